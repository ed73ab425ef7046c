//! `[tls]`: which certificate the ports show, and whether clients must show one, too.

use super::super::raw::Raw;
use super::super::{Problems, Tls};
use super::{Keys, auth};
use crate::causes::with_causes;
use crate::reload::Unreadable;
use crate::tls::{ClientAuthority, Error, Files};
use std::path::PathBuf;

pub(super) fn read(raw: &Raw, problems: &mut Problems) -> Option<Tls> {
    let section = raw.section("tls");
    if section.fields.is_empty() {
        return None;
    }
    let mut keys = Keys { section: &section, problems };
    let cert_file = keys.required("cert_file", "\"/etc/firstfault/cert.pem\"");
    let key_file = keys.required("key_file", "\"/etc/firstfault/key.pem\"");
    let has_credentials = !raw.tokens.is_empty() || !raw.users.is_empty();
    let clients = clients(&mut keys, has_credentials);
    let server_name = keys.text("server_name").filter(|name| check_name(&mut keys, name));
    let files = Files { cert_file: cert_file?.into(), key_file: key_file?.into(), clients };
    if let Err(error) = files.check() {
        let key = key_of(&error, &files);
        keys.problem(key, with_causes(&error)).report(keys.problems);
    }
    Some(Tls { files, server_name })
}

fn clients(keys: &mut Keys<'_>, has_credentials: bool) -> Option<ClientAuthority> {
    let mode = keys.choice("client_auth", &["require", "optional"]);
    let is_mode_given = keys.section.fields.contains_key("client_auth");
    let Some(file) = keys.text("client_ca_file") else {
        if is_mode_given {
            keys.problem("client_auth", "needs client_ca_file, the authority that certifies clients")
                .hint("add client_ca_file = \"/etc/firstfault/clients.pem\"")
                .report(keys.problems);
        }
        return None;
    };
    if !is_mode_given {
        keys.problem("client_ca_file", "has no effect without client_auth")
            .hint("set client_auth = \"require\", or \"optional\" where a token will do instead")
            .report(keys.problems);
    }
    if mode == Some("optional") && !has_credentials {
        keys.problem("client_auth", "\"optional\" lets everybody in while there are no credentials")
            .hint("set client_auth = \"require\", or add [[auth.tokens]] for those without a certificate")
            .report(keys.problems);
    }
    Some(ClientAuthority {
        file: PathBuf::from(file),
        is_required: auth::requires_certificates(keys.section),
    })
}

/// It becomes part of addresses.
fn check_name(keys: &mut Keys<'_>, name: &str) -> bool {
    let is_host = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if !is_host {
        keys.problem("server_name", format!("{name:?} is not the name of a host"))
            .hint("write the name in the certificate alone, such as \"firstfault.example.com\"")
            .report(keys.problems);
    }
    is_host
}

/// The key whose file is at fault.
fn key_of(error: &Error, files: &Files) -> &'static str {
    match error {
        Error::Read(Unreadable { path, .. }) | Error::Pem { path, .. } | Error::NoCertificate { path }
            if *path == files.cert_file =>
        {
            "cert_file"
        }
        Error::Authority { .. } | Error::Verifier { .. } | Error::NoCertificate { .. } => "client_ca_file",
        Error::Read(Unreadable { path, .. }) | Error::Pem { path, .. } if *path != files.key_file => {
            "client_ca_file"
        }
        Error::Read(_) | Error::Pem { .. } | Error::NoKey { .. } | Error::Pair { .. } => "key_file",
    }
}
