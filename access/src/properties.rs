//! Properties files: a key and a value on each line, as Kafka's own tools read them.

/// A property, and the line of its file on which it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub line: Option<usize>,
    pub key: String,
    pub value: String,
}

/// Reads a text line by line: `key=value` or `key: value`; `#` and `!` begin a comment, and a
/// backslash at its end takes the next line along.
///
/// # Errors
/// Where a line is none of that.
pub(super) fn read(text: &str) -> Result<Vec<Property>, String> {
    let mut properties = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        let first = first.trim();
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = first.to_owned();
        while whole.ends_with('\\') && !whole.ends_with("\\\\") {
            whole.pop();
            match lines.next() {
                Some((_, next)) => whole += next.trim(),
                None => break,
            }
        }
        let (key, value) = whole
            .split_once(['=', ':'])
            .ok_or_else(|| format!(":{line}: expected KEY=VALUE, found `{whole}`"))?;
        properties.push(Property {
            line: Some(line),
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        });
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_java_and_librdkafka_write_them() {
        let text = "# a comment\n\n  a.b = c=d \nsecurity.protocol:SSL\nlong=one \\\n   two\n! x\n";
        let read = read(text).expect("it is read");
        let read: Vec<_> = read
            .iter()
            .map(|one| (one.line.unwrap_or(0), one.key.as_str(), one.value.as_str()))
            .collect();
        let expected = [
            (3, "a.b", "c=d"),
            (4, "security.protocol", "SSL"),
            (5, "long", "one two"),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_line_that_is_no_property_is_named() {
        let mistake = read("a=b\nnonsense\n").expect_err("it is none");
        assert_eq!(mistake, ":2: expected KEY=VALUE, found `nonsense`");
    }
}
