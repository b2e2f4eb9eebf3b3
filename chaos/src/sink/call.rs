//! What a subject posts to the sink.

use serde_json::{Map, Value};

/// The shape of a call, as it is told to a subject that calls otherwise.
const SHAPE: &str = r#"{"topic": "orders", "partition": 0, "offset": 17}"#;

/// The record that a call is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

impl Named {
    /// Reads the body of a call, whatever content type it has. Numbers may be written as strings,
    /// and further fields are ignored.
    ///
    /// # Errors
    /// Where it is wrong: says so, and what was expected.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let fields: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| format!("the body is no JSON object ({error}); expected {SHAPE}"))?;
        let field = |name: &str| {
            let field = fields.get(name);
            field.ok_or_else(|| format!("the body has no {name:?}; expected {SHAPE}"))
        };
        let topic = field("topic")?;
        let topic = topic
            .as_str()
            .ok_or_else(|| format!(r#""topic" is {topic}; expected the topic's name"#))?;
        let partition = number("partition", field("partition")?)?;
        let partition = u32::try_from(partition)
            .map_err(|_| format!(r#""partition" is {partition}; no partition has that number"#))?;
        Ok(Self {
            topic: topic.to_owned(),
            partition,
            offset: number("offset", field("offset")?)?,
        })
    }
}

fn number(name: &str, value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    };
    number.ok_or_else(|| format!("{name:?} is {value}; expected a number from 0 on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_strings_and_further_fields_are_ignored() {
        let named = Named {
            topic: "orders".into(),
            partition: 2,
            offset: 17,
        };
        for body in [
            r#"{"topic": "orders", "partition": 2, "offset": 17}"#,
            r#"{"topic": "orders", "partition": "2", "offset": " 17", "key": null}"#,
        ] {
            assert_eq!(Named::read(body.as_bytes()).as_ref(), Ok(&named), "{body}");
        }
    }

    #[test]
    fn a_wrong_call_is_told_what_was_expected() {
        for (body, said) in [
            ("topic=orders", "the body is no JSON object (expected ident"),
            ("", "the body is no JSON object (EOF while parsing"),
            ("[1]", "the body is no JSON object (invalid type: sequence"),
            (
                r#"{"topic": "orders", "partition": 0}"#,
                r#"the body has no "offset"; expected {"topic": "orders""#,
            ),
            (
                r#"{"topic": 7, "partition": 0, "offset": 1}"#,
                r#""topic" is 7; expected the topic's name"#,
            ),
            (
                r#"{"topic": "orders", "partition": 0, "offset": -1}"#,
                r#""offset" is -1; expected a number from 0 on"#,
            ),
            (
                r#"{"topic": "orders", "partition": "first", "offset": 1}"#,
                r#""partition" is "first"; expected a number from 0 on"#,
            ),
            (
                r#"{"topic": "orders", "partition": 4294967296, "offset": 1}"#,
                r#""partition" is 4294967296; no partition has that number"#,
            ),
        ] {
            let error = Named::read(body.as_bytes()).expect_err(body);
            assert!(error.starts_with(said), "{body}: {error}");
        }
    }
}
