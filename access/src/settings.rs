//! What a properties file says of TLS and SASL, in either vocabulary.

use super::properties::Property;
use plimsoll_protocol::nearest;
use std::fmt;
use std::path::PathBuf;

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The settings of a properties file; by default those of plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub tls: Option<Tls>,
    pub sasl: Option<Sasl>,
}

/// The settings of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    /// The certificates that are trusted; absent: those that the system trusts.
    pub trusted: Option<Pem>,
    /// The certificates by which this side proves its name.
    pub certificate: Option<Pem>,
    /// The key of the first of them.
    pub key: Option<Pem>,
    /// Whether a broker's certificate need not name its host.
    pub any_host: bool,
}

/// A text in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pem {
    /// A file with it.
    File(PathBuf),
    /// The text itself.
    Text(Secret),
}

/// A name, and the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sasl {
    pub mechanism: Mechanism,
    pub username: String,
    pub password: Secret,
}

/// The way in which a password is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

impl Mechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Returns its name in SaslHandshake.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// The protocols, each with whether it has TLS and SASL.
const PROTOCOLS: [(&str, bool, bool); 4] = [
    ("PLAINTEXT", false, false),
    ("SSL", true, false),
    ("SASL_PLAINTEXT", false, true),
    ("SASL_SSL", true, true),
];

/// The keys that are read, and those that say nothing which is not known already: passwords of
/// files that have none in PEM, and their types.
const KEYS: [&str; 27] = [
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "sasl.jaas.config",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.truststore.location",
    "ssl.truststore.certificates",
    "ssl.truststore.type",
    "ssl.truststore.password",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.type",
    "ssl.keystore.password",
    "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification",
    "ssl.protocol",
    "ssl.enabled.protocols",
    "ssl.cipher.suites",
];

/// The beginnings of keys that are about nothing else; what begins otherwise is a matter of other
/// clients, and ignored.
const OURS: [&str; 4] = ["security.", "sasl.", "ssl.", "enable.ssl."];

/// The keys that there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Those of other matters too, as in the properties of a client.
    Any,
    /// Those that are read here.
    Ours,
}

impl Settings {
    /// Reads properties.
    ///
    /// # Errors
    /// Where there is a mistake: begins with its line, where it has one.
    pub(super) fn of(properties: Vec<Property>, keys: Keys) -> Result<Self, String> {
        let file = File(properties);
        file.check_keys(keys)?;
        let Some(protocol) = file.get(&["security.protocol"]) else {
            let mut said = file.0.iter();
            return match said.find(|one| OURS.iter().any(|ours| one.key.starts_with(ours))) {
                None => Ok(Self::default()),
                Some(one) => Err(one.wrong(&format!(
                    "it says nothing without `security.protocol`: expected {}",
                    names(PROTOCOLS.map(|(name, ..)| name)),
                ))),
            };
        };
        let known = PROTOCOLS.map(|(name, ..)| name);
        let (_, tls, sasl) = PROTOCOLS[protocol.one_of(&known)?];
        Ok(Self {
            tls: tls.then(|| file.tls()).transpose()?,
            sasl: sasl.then(|| file.sasl(protocol)).transpose()?,
        })
    }
}

/// Properties in their order.
struct File(Vec<Property>);

impl File {
    fn check_keys(&self, keys: Keys) -> Result<(), String> {
        for one in &self.0 {
            let is_ours = OURS.iter().any(|ours| one.key.starts_with(ours));
            let is_ours = is_ours || keys == Keys::Ours;
            if KEYS.contains(&one.key.as_str()) || !is_ours && !one.is_misspelt() {
                continue;
            }
            return Err(one.wrong(&match near(&one.key) {
                Some(near) => format!("it is not known; did you mean `{near}`?"),
                None => format!("it is not known, or not supported; known: {}", names(KEYS)),
            }));
        }
        Ok(())
    }

    /// Returns the last property with one of these keys.
    fn get(&self, keys: &[&str]) -> Option<&Property> {
        let mut properties = self.0.iter().rev();
        properties.find(|one| keys.contains(&one.key.as_str()))
    }

    fn tls(&self) -> Result<Tls, String> {
        let verified = self.get(&["enable.ssl.certificate.verification"]);
        if let Some(verified) = verified
            && verified.one_of(&["true", "false"])? == 1
        {
            return Err(verified.wrong(
                "a broker that may be any other is not tried; trust its certificate with \
                 `ssl.ca.location`",
            ));
        }
        let any_host = match self.get(&["ssl.endpoint.identification.algorithm"]) {
            None => false,
            Some(one) => one.one_of(&["https", "none", ""])? != 0,
        };
        let certificate = self.pem(
            &["ssl.certificate.location", "ssl.keystore.location"],
            &["ssl.certificate.pem", "ssl.keystore.certificate.chain"],
        );
        let key = self.pem(
            &["ssl.key.location", "ssl.keystore.location"],
            &["ssl.key.pem", "ssl.keystore.key"],
        );
        if let (Some(_), None) | (None, Some(_)) = (&certificate, &key) {
            return Err(
                ": a certificate needs its key: `ssl.certificate.location` and \
                        `ssl.key.location`, or `ssl.keystore.location` with both"
                    .into(),
            );
        }
        Ok(Tls {
            trusted: self.pem(
                &["ssl.ca.location", "ssl.truststore.location"],
                &["ssl.ca.pem", "ssl.truststore.certificates"],
            ),
            certificate,
            key,
            any_host,
        })
    }

    /// Returns a text in PEM, from the keys that name a file or from those that have it in them.
    fn pem(&self, files: &[&str], texts: &[&str]) -> Option<Pem> {
        let file = self
            .get(files)
            .map(|one| Pem::File(one.value.clone().into()));
        file.or_else(|| {
            let text = self.get(texts)?.value.replace("\\n", "\n");
            Some(Pem::Text(Secret(text)))
        })
    }

    fn sasl(&self, protocol: &Property) -> Result<Sasl, String> {
        let mechanisms = Mechanism::ALL.map(Mechanism::name);
        let Some(mechanism) = self.get(&["sasl.mechanism", "sasl.mechanisms"]) else {
            let known = names(mechanisms);
            return Err(protocol.wrong(&format!("it needs `sasl.mechanism`: expected {known}")));
        };
        let mechanism = Mechanism::ALL[mechanism.one_of(&mechanisms)?];
        let (username, password) = match self.get(&["sasl.jaas.config"]) {
            Some(jaas) => (jaas.of_jaas("username")?, Secret(jaas.of_jaas("password")?)),
            None => {
                let value = |key| match self.get(&[key]) {
                    Some(one) => Ok(one.value.clone()),
                    None => Err(protocol.wrong(&format!(
                        "it needs `{key}`, or `sasl.jaas.config` with both a username and a \
                         password"
                    ))),
                };
                (value("sasl.username")?, Secret(value("sasl.password")?))
            }
        };
        Ok(Sasl {
            mechanism,
            username,
            password,
        })
    }
}

impl Property {
    /// Makes the text of a mistake in it.
    fn wrong(&self, what: &str) -> String {
        let line = self
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        format!("{line}: `{}`: {what}", self.key)
    }

    /// Returns whether a key that begins otherwise is one of them all the same.
    fn is_misspelt(&self) -> bool {
        let key = self.key.to_lowercase().replace(['_', '-'], ".");
        KEYS.contains(&key.as_str()) || nearest(&key, ["security.protocol"]).is_some()
    }

    /// Returns which of some words its value is, in capitals or not.
    fn one_of(&self, words: &[&str]) -> Result<usize, String> {
        let is_it = |word: &&str| word.eq_ignore_ascii_case(&self.value);
        words.iter().position(is_it).ok_or_else(|| {
            let meant = nearest(&self.value.to_ascii_uppercase(), words.iter().copied());
            let meant = meant.or_else(|| nearest(&self.value, words.iter().copied()));
            let meant = meant.map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
            let known = names(words.iter().copied());
            self.wrong(&format!("expected {known}, found `{}`{meant}", self.value))
        })
    }

    /// Returns an option of a login module, as in `... required username="alice";`.
    fn of_jaas(&self, option: &str) -> Result<String, String> {
        let missing = || {
            self.wrong(&format!(
                "expected {option}=\"...\" in it, as in `...LoginModule required \
                 username=\"alice\" password=\"secret\";`"
            ))
        };
        let begin = format!("{option}=\"");
        let (before, rest) = self.value.split_once(&begin).ok_or_else(missing)?;
        if !before.ends_with(char::is_whitespace) {
            return Err(missing());
        }
        let (mut text, mut letters) = (String::new(), rest.chars());
        loop {
            match letters.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.extend(letters.next()),
                Some(letter) => text.push(letter),
                None => return Err(missing()),
            }
        }
    }
}

/// Returns the key that was perhaps meant.
fn near(key: &str) -> Option<&'static str> {
    nearest(&key.to_lowercase().replace(['_', '-'], "."), KEYS)
}

fn names<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words = words.into_iter().map(|word| match word {
        "" => "nothing".to_owned(),
        word => format!("`{word}`"),
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::properties;
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::of(properties::read(text)?, Keys::Any)
    }

    fn sasl(text: &str) -> Sasl {
        let settings = parse(text).expect("it is read");
        settings.sasl.expect("it has SASL")
    }

    #[test]
    fn both_vocabularies_say_the_same() {
        let librdkafka = "security.protocol=sasl_ssl\nsasl.mechanisms=SCRAM-SHA-512\n\
                          sasl.username=alice\nsasl.password=a \"secret\"\n\
                          ssl.ca.location=ca.pem\n";
        let java = "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
                    sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
                    required username=\"alice\" password=\"a \\\"secret\\\"\";\n\
                    ssl.truststore.type=PEM\nssl.truststore.location=ca.pem\nclient.id=x\n";
        let read = parse(librdkafka).expect("it is read");
        assert_eq!(parse(java), Ok(read.clone()));
        assert_eq!(sasl(java).password, Secret("a \"secret\"".into()));
        let trusted = read.tls.expect("it has TLS").trusted;
        assert_eq!(trusted, Some(Pem::File("ca.pem".into())));
        assert!(!format!("{:?}", sasl(java)).contains("a \\\"secret"));
    }

    #[test]
    fn without_a_word_on_it_brokers_are_reached_in_plain_text() {
        for text in [
            "",
            "bootstrap.servers=x:1\nacks=all\n",
            "security.protocol=PLAINTEXT",
        ] {
            assert_eq!(parse(text), Ok(Settings::default()), "{text}");
        }
    }

    #[test]
    fn mistakes_name_the_line_and_the_word_that_was_meant() {
        let plain = "sasl.mechanism=PLAIN\nsasl.username=a\nsasl.password=b\n";
        for (text, said) in [
            (
                "\nsecurity.protocl=SSL",
                ":2: `security.protocl`: it is not known; did you mean `security.protocol`?",
            ),
            ("security_protocol=SSL", "did you mean `security.protocol`?"),
            (
                "security.protocol=SASL_TLS",
                ":1: `security.protocol`: expected `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`, found `SASL_TLS`; did you mean `SASL_SSL`?",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mecanism=PLAIN",
                ":2: `sasl.mecanism`: it is not known; did you mean `sasl.mechanism`?",
            ),
            (
                "security.protocol=SASL_SSL",
                "it needs `sasl.mechanism`: expected `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI",
                ":2: `sasl.mechanism`: expected `PLAIN`",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=a",
                "it needs `sasl.password`",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=x required username=a;",
                ":3: `sasl.jaas.config`: expected username=\"...\"",
            ),
            (
                plain,
                ":1: `sasl.mechanism`: it says nothing without `security.protocol`",
            ),
            (
                "security.protocol=SSL\nenable.ssl.certificate.verification=false",
                "trust its certificate with `ssl.ca.location`",
            ),
            (
                "security.protocol=SSL\nssl.certificate.location=a.pem",
                "a certificate needs its key",
            ),
        ] {
            let mistake = parse(text).expect_err(text);
            assert!(mistake.contains(said), "{mistake}");
        }
    }
}
