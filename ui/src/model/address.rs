//! Addresses of the application: a path and its parameters, decoded.
//!
//! Order and unknown parameters survive a round trip, so that a link made by a newer or an older
//! version keeps its meaning.

/// Where the user is. `path` is decoded per segment by `segments`, parameters are decoded already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Encoded, as the browser shows it, starting with `/`.
    pub path: String,
    pub params: Vec<(String, String)>,
}

impl Address {
    /// Reads a path with an optional query; a fragment is dropped.
    pub fn parse(href: &str) -> Self {
        let href = href.split('#').next().unwrap_or_default();
        let (path, query) = href.split_once('?').unwrap_or((href, ""));
        let params = query.split('&').filter(|pair| !pair.is_empty()).map(parse_pair).collect();
        Self { path: path.to_owned(), params }
    }

    pub fn href(&self) -> String {
        let mut href = self.path.clone();
        for (i, (key, value)) in self.params.iter().enumerate() {
            href.push(if i == 0 { '?' } else { '&' });
            href.push_str(&encode(key));
            href.push('=');
            href.push_str(&encode(value));
        }
        href
    }

    /// Decoded parts of the path: `/services/a%2Fb` gives `services` and `a/b`.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decode_segment).collect()
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn params(&self, name: &str) -> Vec<String> {
        self.params.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Replaces every value of `name`, keeping its place; no values remove it.
    pub fn set(&mut self, name: &str, values: &[String]) {
        let place = self.params.iter().position(|(key, _)| key == name).unwrap_or(self.params.len());
        self.params.retain(|(key, _)| key != name);
        let place = place.min(self.params.len());
        let fresh = values.iter().map(|value| (name.to_owned(), value.clone()));
        self.params.splice(place..place, fresh);
    }
}

fn parse_pair(pair: &str) -> (String, String) {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decode(key), decode(value))
}

/// Percent-encodes everything that is not safe in a path segment or a query value.
pub fn encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// A name as one part of a path, of the application or of the API, that no browser changes.
pub fn segment(name: &str) -> String {
    encode(&wire::name_to_path(name))
}

fn decode_segment(text: &str) -> String {
    wire::name_from_path(&decode_path(text)).to_owned()
}

/// Decodes a query part; `+` means a space there. Broken escapes stay as they are.
pub fn decode(text: &str) -> String {
    decode_path(&text.replace('+', " "))
}

fn decode_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%').then(|| hex_pair(bytes.get(i + 1..i + 3)?)).flatten();
        out.push(escaped.unwrap_or(bytes[i]));
        i += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: addresses with odd characters, repeated and unknown parameters are read and written.
    /// Guarantees: a round trip changes nothing but the spelling of escapes.
    #[test]
    fn round_trips() {
        for href in [
            "/services",
            "/services/a%2Fb%20c?from=now-1h&to=now",
            "/traces?attr=http.route%3D%2Fa%26b&attr=k%3Dv&future=1",
            "/logs?q=100%25%20of%20%C3%A9",
        ] {
            assert_eq!(Address::parse(href).href(), href);
        }
        assert_eq!(Address::parse("/x?q=a+b&c#frag").href(), "/x?q=a%20b&c=");
        assert_eq!(Address::parse("/services/a%2Fb").segments(), ["services", "a/b"]);
    }

    /// Scenario: a parameter is replaced, repeated, removed and added.
    /// Guarantees: other parameters keep their values and their order.
    #[test]
    fn sets_in_place() {
        let mut address = Address::parse("/t?a=1&b=2&b=3&c=4");
        address.set("b", &["x".into()]);
        assert_eq!(address.href(), "/t?a=1&b=x&c=4");
        address.set("a", &[]);
        address.set("d", &["1".into(), "2".into()]);
        assert_eq!(address.href(), "/t?b=x&c=4&d=1&d=2");
    }

    /// Scenario: names that browsers would take for steps of a path, or drop, and names like their spelling.
    /// Guarantees: each has an address of its own that no browser changes, and comes back as it was.
    #[test]
    fn dots_have_a_page() {
        for name in ["", ".", "..", "~", "~.", "~~..", "...", "~x", ".hidden", "a/b", "%2e"] {
            let path = format!("/services/{}", segment(name));
            assert!(!["/services/", "/services/.", "/services/.."].contains(&path.as_str()), "{path}");
            assert_eq!(Address::parse(&path).segments(), ["services", name], "{path}");
        }
        assert_eq!(segment(".."), "~..");
        assert_eq!(segment("~x"), "~x");
    }

    /// Scenario: an escape is cut short or is no hex.
    /// Guarantees: it stays text and nothing fails.
    #[test]
    fn keeps_broken_escapes() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
    }
}
