//! The word that was most likely meant.

/// Returns the word of `known` that was most likely meant by `word`, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let similarity = strsim::jaro_winkler(&word, &lower);
            let edits = strsim::osa_distance(&word, &lower);
            (similarity, edits, candidate)
        })
        .filter(|(similarity, edits, candidate)| {
            *similarity >= 0.8 || *edits <= 2.min(candidate.chars().count() / 2)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let known = ["no-loss", "no-rewind", "no-zombie", "liveness"];
        assert_eq!(nearest("no-lost", known), Some("no-loss"));
        assert_eq!(nearest("LIVENES", known), Some("liveness"));
        assert_eq!(nearest("exactly-once", known), None);
        assert_eq!(nearest("", known), None);
    }
}
