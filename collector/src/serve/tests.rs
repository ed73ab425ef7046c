//! Tests of connections at a real socket.

use super::*;
use axum::Extension;
use axum::routing::get;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    address: SocketAddr,
    /// Told when a request has reached its handler.
    reached: Arc<Notify>,
    /// Lets the handler answer.
    release: Arc<Notify>,
    /// What strangers spoke.
    strangers: Arc<Mutex<Vec<Stranger>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(drain: Duration) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (reached, release, stop) =
        (Arc::new(Notify::new()), Arc::new(Notify::new()), CancellationToken::new());
    let handler = {
        let (reached, release) = (Arc::clone(&reached), Arc::clone(&release));
        move || async move {
            reached.notify_one();
            release.notified().await;
            "done"
        }
    };
    let whose = |Extension(peer): Extension<Peer>| async move { peer.address.ip().to_string() };
    let router = Router::new()
        .route("/slow", get(handler))
        .route("/fast", get(|| async { "at once" }))
        .route("/whose", get(whose));
    let strangers = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&strangers);
    let told = Strangers::new(move |stranger, peer| {
        noted.lock().push(stranger.clone());
        format!("HTTP is spoken here, {peer}")
    });
    let door = Door { router, tls: None, strangers: told };
    let task = tokio::spawn(serve(listener, door, stop.clone(), drain));
    Server { address, reached, release, strangers, stop, task }
}

async fn send(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
    read.expect("the connection ends").expect("text");
    text
}

/// Scenario: a request is under way when the server is told to stop; another connection is idle.
/// Guarantees: the request is answered in full, the idle connection ends, new ones are refused, and
/// serving ends by itself.
#[tokio::test]
async fn stopping_lets_answers_finish() {
    let server = start(PATIENCE).await;
    let idle = TcpStream::connect(server.address).await.expect("connects");
    let under_way = send(server.address, "/slow").await;
    server.reached.notified().await;
    server.stop.cancel();
    assert_eq!(read_to_end(idle).await, "");
    TcpStream::connect(server.address).await.expect_err("the port is closed");
    server.release.notify_one();
    let answer = read_to_end(under_way).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"), "{answer}");
    server.task.await.expect("no panic");
}

/// Scenario: an answer takes longer than the deadline of a stop.
/// Guarantees: serving ends all the same.
#[tokio::test]
async fn stopping_has_a_deadline() {
    let server = start(Duration::ZERO).await;
    let _under_way = send(server.address, "/slow").await;
    server.reached.notified().await;
    server.stop.cancel();
    tokio::time::timeout(PATIENCE, server.task).await.expect("it ends").expect("no panic");
}

/// Scenario: several requests on one connection, over HTTP/1.1.
/// Guarantees: the connection is kept between them.
#[tokio::test]
async fn connections_are_kept() {
    let server = start(PATIENCE).await;
    let mut stream = send(server.address, "/fast").await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"at once") {
        stream.read_buf(&mut answer).await.expect("an answer");
    }
    stream.write_all(b"GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
    let second = read_to_end(stream).await;
    assert!(second.ends_with("at once"), "{second}");
    server.stop.cancel();
    server.task.await.expect("no panic");
}

/// Scenario: a client has used up its time before HTTP began, as by a slow handshake, and says nothing.
/// Guarantees: the connection ends at once; the first request has no time of its own.
#[tokio::test]
async fn there_is_one_deadline_for_all_before_the_first_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
    let (stream, address) = listener.accept().await.expect("accepts");
    let door = Door { router: Router::new(), tls: None, strangers: Strangers::new(|_, _| String::new()) };
    let (peer, seat) = (
        Peer { address, has_certificate: false },
        Seats::new(1).take(address.ip()).await.expect("it is free"),
    );
    let answered = answer(stream, peer, door, CancellationToken::new(), seat, Instant::now());
    tokio::time::timeout(FIRST_REQUEST_TIMEOUT / 2, answered).await.expect("it ends");
    assert_eq!(read_to_end(client).await, "");
}

/// Sends a header over HTTP/1 and reads the answer to its end.
async fn ask(address: SocketAddr, header: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(format!("{header}Connection: close\r\n\r\n").as_bytes()).await.expect("sent");
    read_to_end(stream).await
}

/// Scenario: requests with no host, two hosts, and the same one twice, over HTTP/1.1; and with none over HTTP/1.0.
/// Guarantees: the first three are refused with 400 and the connection ends; HTTP/1.0 knows no hosts.
#[tokio::test]
async fn a_request_names_one_host() {
    let server = start(PATIENCE).await;
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"] {
        let answer = ask(server.address, &format!("GET /fast HTTP/1.1\r\n{hosts}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Host header"), "{hosts:?}: {answer}");
    }
    let answer = ask(server.address, "GET /fast HTTP/1.0\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    server.stop.cancel();
    server.task.await.expect("no panic");
}

/// Scenario: a request is under way on the oldest connection; 300 more connections say nothing, half a header, or
/// have been answered and are kept; then a client comes.
/// Guarantees: it is answered within a second, and so is the request that was under way.
#[tokio::test]
async fn idle_connections_make_room() {
    let server = start(PATIENCE).await;
    let under_way = send(server.address, "/slow").await;
    server.reached.notified().await;
    let mut idle = Vec::new();
    for n in 0..300 {
        let mut stream = match n % 3 {
            2 => send(server.address, "/fast").await,
            _ => TcpStream::connect(server.address).await.expect("connects"),
        };
        if n % 3 == 1 {
            stream.write_all(b"GET /fast HTTP/1.1\r\nHo").await.expect("sent");
        }
        idle.push(stream);
    }
    let answered = tokio::time::timeout(
        Duration::from_secs(1),
        ask(server.address, "GET /fast HTTP/1.1\r\nHost: x\r\n"),
    );
    let answer = answered.await.expect("within a second");
    assert!(answer.ends_with("at once"), "{answer}");
    server.release.notify_one();
    let mut under_way = under_way;
    let mut answer = Vec::new();
    while !answer.ends_with(b"done") {
        assert!(under_way.read_buf(&mut answer).await.expect("an answer") > 0);
    }
    server.stop.cancel();
    server.task.await.expect("no panic");
}

/// Scenario: clients of TLS, of Thrift and of a protocol of lines; one that goes without a word; one of HTTP that
/// sends its first letter alone.
/// Guarantees: the first three are told of once each, by what they spoke, and answered in plain text; HTTP is served,
/// and knows its peer.
#[tokio::test]
async fn strangers_are_turned_away() {
    let server = start(PATIENCE).await;
    let told = "HTTP is spoken here, 127.0.0.1\n";
    let says: [(&[u8], Stranger, &str); 3] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Stranger::Tls, told),
        (b"\x80\x01\x00\x01\x00\x00\x00\x09emitBatch", Stranger::NotHttp, told),
        (b"put sys.cpu.user 1356998400 42.5\n", Stranger::NotHttp, ""),
    ];
    for (n, (first, spoken, answer)) in says.into_iter().enumerate() {
        let mut stream = TcpStream::connect(server.address).await.expect("connects");
        stream.write_all(first).await.expect("sent");
        let text = read_to_end(stream).await;
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n") && text.ends_with(answer), "{n}: {text:?}");
        // The answer goes out before the connection's own end, by which a protocol of lines is noticed.
        let noticed = async {
            while server.strangers.lock().len() <= n {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, noticed).await.expect("told of");
        assert_eq!(server.strangers.lock()[n], spoken);
    }
    drop(TcpStream::connect(server.address).await.expect("connects"));
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(b"G").await.expect("sent");
    let peer = ask(server.address, "GET /whose HTTP/1.1\r\nHost: x\r\n").await;
    assert!(peer.ends_with("\r\n\r\n127.0.0.1"), "{peer}");
    stream.write_all(b"ET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
    let answer = read_to_end(stream).await;
    assert!(answer.ends_with("at once"), "{answer}");
    assert_eq!(server.strangers.lock().len(), 3);
    server.stop.cancel();
    server.task.await.expect("no panic");
}
