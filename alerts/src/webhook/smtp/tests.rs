//! Mails to a server on the loopback that takes them, refuses them, says nothing, or cannot encrypt.

use crate::{
    Attempt, Mail, MailServer, MailTls, Network, PrivateTargets, Receiver, Token,
    webhook::{
        Clock, Kind,
        client::Carrier,
        resolve::{Lookup, LookupAnswer},
        retry::Verdict,
    },
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the server says to a line; nothing at all where there is none.
type Replies = fn(&str) -> Option<&'static str>;
type Said = Arc<Mutex<Vec<String>>>;

fn well(line: &str) -> Option<&'static str> {
    Some(match line.split(' ').next().unwrap_or_default() {
        "EHLO" => "250-mail.example.com\r\n250 AUTH PLAIN LOGIN",
        "AUTH" => "235 welcome",
        "DATA" => "354 go on",
        "." => "250 2.0.0 queued as 7",
        "QUIT" => "221 bye",
        _ => "250 ok",
    })
}

async fn serve(replies: Replies) -> (u16, Said) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = Said::default();
    let heard = Arc::clone(&said);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            talk(stream, replies, &heard).await;
        }
    });
    (port, said)
}

async fn talk(stream: TcpStream, replies: Replies, heard: &Said) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.com\r\n").await.unwrap();
    let (mut line, mut is_message) = (String::new(), false);
    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
        let said = std::mem::take(&mut line).trim_end().to_owned();
        heard.lock().unwrap().push(said.clone());
        if is_message && said != "." {
            continue;
        }
        is_message = said == "DATA";
        match replies(&said) {
            Some(reply) => stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    }
}

/// Every name is the loopback.
struct Home;

impl Lookup for Home {
    fn lookup(&self, _host: String) -> LookupAnswer {
        Box::pin(async { Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]) })
    }
}

async fn send_by(server: MailServer, login: Option<(String, Token)>) -> (Attempt, Verdict) {
    let to = ["ada@example.com".to_owned(), "Bob <bob@example.com>".to_owned()];
    let mail = Mail::new(server, "Firstfault <alerts@example.com>", &to, login).unwrap();
    let receiver = Receiver::new("mail", Kind::Email(mail));
    let carrier = Carrier::new(&receiver, Duration::from_secs(2), Arc::new(Home)).unwrap();
    let clock: Clock = Arc::new(|| 0);
    carrier.attempt(&receiver.kind, "id", b"Subject: x\r\n\r\nhello\r\n.\r\n", &clock).await
}

async fn send(port: u16) -> (Attempt, Verdict) {
    send_by(MailServer::parse("mail.example.com", port, MailTls::Off, true).unwrap(), None).await
}

/// Scenario: a server that takes a mail for two people, with a line in it that would end it.
/// Guarantees: it is handed over whole, from whom and to whom it should be; the ledger has what the server said.
#[tokio::test]
async fn a_mail_is_handed_over() {
    let (port, said) = serve(well).await;
    let (attempt, verdict) = send(port).await;
    assert_eq!((attempt.status, verdict), (Some(250), Verdict::Delivered));
    assert_eq!((attempt.answer.as_str(), attempt.error.as_str()), ("2.0.0 queued as 7", ""));
    assert_eq!(attempt.address, Some(format!("127.0.0.1:{port}")));
    let said = said.lock().unwrap().clone();
    let expected = [
        "EHLO example.com",
        "MAIL FROM:<alerts@example.com>",
        "RCPT TO:<ada@example.com>",
        "RCPT TO:<bob@example.com>",
        "DATA",
        "Subject: x",
        "",
        "hello",
        "..",
    ];
    assert_eq!(said[..expected.len()], expected);
    assert!(said.contains(&".".to_owned()) && !said.iter().any(|line| line.starts_with("AUTH")));
}

/// Scenario: servers that are busy, refuse a recipient, refuse the message, or fall silent.
/// Guarantees: 4yz and silence are tried again, 5yz is final; what was said is in the ledger.
#[tokio::test]
async fn refusals_are_told_from_patience() {
    let cases: [(Replies, Option<u16>, Verdict); 4] = [
        (
            |line| if line.starts_with("RCPT") { Some("451 later") } else { well(line) },
            Some(451),
            Verdict::NO_ANSWER,
        ),
        (
            |line| if line.starts_with("RCPT") { Some("550 nobody") } else { well(line) },
            Some(550),
            Verdict::Final,
        ),
        (|line| if line == "." { Some("554 spam") } else { well(line) }, Some(554), Verdict::Final),
        (|line| if line == "DATA" { None } else { well(line) }, None, Verdict::NO_ANSWER),
    ];
    for (replies, status, expected) in cases {
        let (port, _) = serve(replies).await;
        let (attempt, verdict) = send(port).await;
        assert_eq!((attempt.status, verdict), (status, expected), "{attempt:?}");
        assert!(!attempt.error.is_empty());
    }
}

/// Scenario: nobody listens; a name leads to a network that is not among those that were opened.
/// Guarantees: both are tried again and say why; in the second case nobody is talked to.
#[tokio::test]
async fn addresses_are_checked_when_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (attempt, verdict) = send(port).await;
    assert_eq!((attempt.status, verdict), (None, Verdict::NO_ANSWER));

    let (port, said) = serve(well).await;
    let private = PrivateTargets::Networks(vec![Network::parse("10.0.0.0/8").unwrap()].into());
    let server = MailServer::parse("mail.example.com", port, MailTls::Off, private).unwrap();
    let (attempt, verdict) = send_by(server, None).await;
    assert_eq!((attempt.status, verdict), (None, Verdict::NO_ANSWER));
    assert!(attempt.error.contains("127.0.0.1 is a loopback address"), "{}", attempt.error);
    assert!(said.lock().unwrap().is_empty());
}

/// Scenario: a server that does not offer to encrypt, where that is asked for, with a password.
/// Guarantees: it gets neither the password nor the mail.
#[tokio::test]
async fn nothing_goes_in_the_clear() {
    let (port, said) = serve(well).await;
    let server = MailServer::parse("mail.example.com", port, MailTls::StartTls, true).unwrap();
    let login = Some(("ada".to_owned(), Token::parse("s3cret").unwrap()));
    let (attempt, verdict) = send_by(server, login).await;
    assert_eq!((attempt.status, verdict), (None, Verdict::NO_ANSWER));
    assert!(attempt.error.contains("STARTTLS"), "{}", attempt.error);
    let said = said.lock().unwrap().clone();
    assert!(said.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{said:?}");
}
