//! One mail handed over to one server.
//!
//! The name is resolved and checked as for HTTP, and the connection goes to a checked address; the certificate is held
//! against the name. Nothing of a message is sent before the connection is encrypted, unless the operator said so.

use super::{
    client::Exchange,
    kinds::{Login, Mail},
    request::MailRequest,
    resolve::{Lookup, permitted},
    target::{MailServer, MailTls},
};
use crate::Error;
use lettre::transport::smtp::{
    Error as SmtpError,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
    response::Response,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// For the goodbye: the mail is handed over already.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// What stays the same from one mail to the next.
pub(super) struct MailClient {
    /// None where nothing is encrypted.
    tls: Option<TlsParameters>,
    lookup: Arc<dyn Lookup>,
    timeout: Duration,
}

/// Why a mail was not handed over.
enum Fault {
    /// Nothing was said, or nothing that can be understood.
    NoAnswer(String),
    /// The server said no.
    Refused { status: u16, text: String },
}

impl MailClient {
    pub(super) fn new(
        receiver: &str,
        server: &MailServer,
        timeout: Duration,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Error> {
        let tls = match server.tls() {
            MailTls::Off => None,
            MailTls::StartTls | MailTls::Implicit => {
                let tls = TlsParameters::new(server.host().to_owned());
                Some(tls.map_err(|source| Error::MailClient { receiver: receiver.to_owned(), source })?)
            }
        };
        Ok(Self { tls, lookup, timeout })
    }

    /// Sends once.
    pub(super) async fn send(&self, request: &MailRequest<'_>) -> Exchange {
        let mut address = None;
        let handing_over = self.hand_over(request, &mut address);
        let handed_over = match tokio::time::timeout(self.timeout, handing_over).await {
            Ok(handed_over) => handed_over,
            Err(_) => Err(Fault::NoAnswer("no answer in time".to_owned())),
        };
        let address = address.map(|address: SocketAddr| address.to_string());
        match handed_over {
            Ok((mut connection, said)) => {
                // Whatever comes of the goodbye, the server has the mail.
                drop(tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await);
                let answer = said.message().collect::<Vec<_>>().join(" ");
                Exchange { status: Some(u16::from(said.code())), answer, address, ..Exchange::default() }
            }
            Err(Fault::NoAnswer(error)) => Exchange { error, address, ..Exchange::default() },
            Err(Fault::Refused { status, text }) => Exchange {
                status: Some(status),
                error: format!("the mail server answered {status}"),
                answer: text,
                address,
                ..Exchange::default()
            },
        }
    }

    async fn hand_over(
        &self,
        request: &MailRequest<'_>,
        address: &mut Option<SocketAddr>,
    ) -> Result<(AsyncSmtpConnection, Response), Fault> {
        let mail = request.mail;
        let mut connection = self.connect(mail, address).await?;
        if let Some(Login { user, password }) = mail.login() {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(explain)?;
        }
        let said = connection.send(&mail.envelope(), request.message).await.map_err(explain)?;
        Ok((connection, said))
    }

    /// To the first address that takes the connection.
    async fn connect(
        &self,
        mail: &Mail,
        address: &mut Option<SocketAddr>,
    ) -> Result<AsyncSmtpConnection, Fault> {
        let server = mail.server();
        let hello = ClientId::Domain(mail.domain().to_owned());
        let at_once = self.tls.clone().filter(|_| server.tls() == MailTls::Implicit);
        let mut failed = Fault::NoAnswer("cannot connect".to_owned());
        for candidate in self.addresses(server).await? {
            *address = Some(candidate);
            let connected =
                AsyncSmtpConnection::connect_tokio1(candidate, None, &hello, at_once.clone(), None).await;
            match connected {
                Ok(mut connection) => {
                    if let Some(tls) = self.tls.clone().filter(|_| server.tls() == MailTls::StartTls) {
                        connection.starttls(tls, &hello).await.map_err(explain)?;
                    }
                    return Ok(connection);
                }
                Err(error) => failed = explain(error),
            }
        }
        Err(failed)
    }

    async fn addresses(&self, server: &MailServer) -> Result<Vec<SocketAddr>, Fault> {
        let cannot = |cause: String| Fault::NoAnswer(format!("cannot connect: {cause}"));
        let found = self.lookup.lookup(server.host().to_owned()).await;
        let found = found.map_err(|error| cannot(error.to_string()))?;
        let found =
            permitted(server.guard(), server.host(), found).map_err(|error| cannot(error.to_string()))?;
        Ok(found.into_iter().map(|address| SocketAddr::new(address.ip(), server.port())).collect())
    }
}

fn explain(error: SmtpError) -> Fault {
    let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    match error.status() {
        Some(code) => Fault::Refused { status: u16::from(code), text: cause },
        None if error.is_tls() => Fault::NoAnswer(format!("no encryption: {cause}")),
        None => Fault::NoAnswer(format!("the mail server cannot be talked to: {cause}")),
    }
}

#[cfg(test)]
mod tests;
