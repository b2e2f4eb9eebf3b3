//! Differences that are known: of each step that differs what comes in the place of the script's
//! answer, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// A step of a script with another outcome than the script has.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The line at which the step begins, counted from one.
    pub line: usize,
    /// The answer that came, as a script would have it, or why none could come.
    pub came: String,
    /// The statement of the script.
    pub expected: String,
}

/// A step of a script: the script's name, and the line.
type Step = (String, usize);

/// The steps that are known to differ.
#[derive(Debug, Default)]
pub struct Known {
    steps: BTreeMap<Step, Entry>,
}

#[derive(Debug)]
struct Entry {
    came: String,
    reason: String,
}

/// The reasons of known differences, each with the number of steps that it explains.
pub type Reasons<'a> = BTreeMap<&'a str, usize>;

/// The reason of a difference that has none yet.
const NONE: &str = "?";

/// The mark in front of a step in the file.
const STEP: &str = "= ";

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            came,
            expected,
        } = self;
        write!(f, "line {line}: expected {expected}\n     got {came}")
    }
}

impl Known {
    /// Reads a file of known differences. Lines with `#` are a reason, which holds for the steps
    /// below it; a line with `=` names a step, and the lines below that say what comes.
    ///
    /// # Errors
    /// Names the line, and says what was expected in it.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut known = Self::default();
        let mut reason = String::new();
        let mut is_reason = false;
        let mut step: Option<Step> = None;
        for (number, line) in text.lines().enumerate() {
            let mistake = |what: &str| format!("line {}: expected {what}", number + 1);
            if let Some(words) = line.strip_prefix('#') {
                if !is_reason {
                    reason.clear();
                }
                let space = if reason.is_empty() { "" } else { " " };
                reason.extend([space, words.trim()]);
                (is_reason, step) = (true, None);
                continue;
            }
            is_reason = false;
            if line.is_empty() {
                step = None;
            } else if let Some(name) = line.strip_prefix(STEP) {
                let (script, line) = name
                    .rsplit_once(':')
                    .ok_or_else(|| mistake("SCRIPT:LINE"))?;
                let line = line.parse().map_err(|_| mistake("SCRIPT:LINE"))?;
                let of = (script.to_owned(), line);
                let entry = Entry {
                    came: String::new(),
                    reason: reason.clone(),
                };
                if known.steps.insert(of.clone(), entry).is_some() {
                    return Err(mistake("each step once"));
                }
                step = Some(of);
            } else {
                let entry = step.as_ref().and_then(|step| known.steps.get_mut(step));
                let entry = entry.ok_or_else(|| mistake("`= SCRIPT:LINE` above an answer"))?;
                let end = if entry.came.is_empty() { "" } else { "\n" };
                entry.came.extend([end, line]);
            }
        }
        Ok(known)
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the scripts that have such steps.
    pub fn scripts(&self) -> BTreeSet<&str> {
        self.steps.keys().map(|(script, _)| &script[..]).collect()
    }

    /// Returns the reasons.
    pub fn reasons(&self) -> Reasons<'_> {
        let mut reasons = Reasons::new();
        for entry in self.steps.values() {
            *reasons.entry(&entry.reason).or_default() += 1;
        }
        reasons
    }

    /// Returns the steps without a reason.
    pub fn unexplained(&self) -> impl Iterator<Item = String> {
        let steps = self.steps.iter();
        let without = steps.filter(|(_, entry)| matches!(&entry.reason[..], "" | NONE));
        without.map(|((script, line), _)| format!("{script}:{line}"))
    }

    /// Returns what a run of a script shows that is not known: steps that differ, or differ
    /// otherwise, and steps that conform.
    pub fn news(&self, script: &str, differences: &[Difference]) -> Vec<String> {
        let mut news = Vec::new();
        for difference in differences {
            let step = (script.to_owned(), difference.line);
            match self.steps.get(&step) {
                Some(entry) if entry.came == difference.came => {}
                Some(entry) => news.push(format!("{difference}\n   known {}", entry.came)),
                None => news.push(difference.to_string()),
            }
        }
        let of_script = self.steps.keys().filter(|(of, _)| of == script);
        for (_, line) in of_script {
            if !differences.iter().any(|known| known.line == *line) {
                news.push(format!("line {line} conforms, and is known to differ"));
            }
        }
        news
    }

    /// Puts what runs of scripts have shown in the place of what is known of these scripts. Reasons
    /// stay with their steps.
    pub fn renew(&mut self, shown: BTreeMap<String, Vec<Difference>>) {
        for (script, differences) in shown {
            let mut reasons = BTreeMap::new();
            self.steps.retain(|(of, line), entry| {
                if *of == script {
                    reasons.insert(*line, std::mem::take(&mut entry.reason));
                }
                *of != script
            });
            for difference in differences {
                let reason = reasons.remove(&difference.line);
                let entry = Entry {
                    came: difference.came,
                    reason: reason.unwrap_or_else(|| NONE.to_owned()),
                };
                self.steps.insert((script.clone(), difference.line), entry);
            }
        }
    }
}

/// Writes the file, by reasons.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reason) in self.reasons().into_keys().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write_reason(f, reason)?;
            let steps = self
                .steps
                .iter()
                .filter(|(_, entry)| entry.reason == reason);
            for ((script, line), entry) in steps {
                writeln!(f, "{STEP}{script}:{line}\n{}", entry.came)?;
            }
        }
        Ok(())
    }
}

/// Writes a reason in lines of at most 100 characters.
fn write_reason(f: &mut fmt::Formatter<'_>, reason: &str) -> fmt::Result {
    let mut column = 0;
    for word in reason.split_whitespace() {
        if column == 0 || column + 1 + word.len() > 100 {
            if column > 0 {
                f.write_char('\n')?;
            }
            f.write_char('#')?;
            column = 1;
        }
        write!(f, " {word}")?;
        column += 1 + word.len();
    }
    f.write_char('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# It does not serve these
# kinds.
= admin/quotas:3
a< (closed)
= fetch/epochs:9
a< Topics=[
     Name=$t
   ]

# Another reason.
= fetch/epochs:12
a< (nothing)
";

    fn differs(line: usize, came: &str) -> Difference {
        Difference {
            line,
            came: came.to_owned(),
            expected: "a< NONE".to_owned(),
        }
    }

    #[test]
    fn what_is_read_is_written() {
        let known = Known::read(FILE).expect("it is right");
        assert_eq!(known.len(), 3);
        let reasons: Vec<_> = known.reasons().into_iter().collect();
        assert_eq!(
            reasons,
            [
                ("Another reason.", 1),
                ("It does not serve these kinds.", 2)
            ]
        );
        let again = Known::read(&known.to_string()).expect("it was written");
        assert_eq!(again.to_string(), known.to_string());
        assert_eq!(
            again.news("admin/quotas", &[differs(3, "a< (closed)")]),
            [""; 0]
        );
    }

    #[test]
    fn a_step_that_differs_otherwise_or_no_more_is_news() {
        let known = Known::read(FILE).expect("it is right");
        let came = "a< Topics=[\n     Name=$t\n   ]";
        let all = [differs(9, came), differs(12, "a< (nothing)")];
        assert_eq!(known.news("fetch/epochs", &all), [""; 0]);
        assert_eq!(
            known.news("fetch/epochs", &all[..1]).len(),
            1,
            "12 conforms"
        );
        let other = [differs(9, "a< (closed)"), all[1].clone()];
        assert_eq!(known.news("fetch/epochs", &other).len(), 1);
        let more = [all[0].clone(), all[1].clone(), differs(14, "a< NONE")];
        assert_eq!(known.news("fetch/epochs", &more).len(), 1);
    }

    #[test]
    fn renewing_keeps_reasons_and_asks_for_new_ones() {
        let mut known = Known::read(FILE).expect("it is right");
        let shown = vec![differs(9, "a< (closed)"), differs(14, "a< NONE")];
        known.renew(BTreeMap::from([("fetch/epochs".to_owned(), shown)]));
        assert_eq!(known.len(), 3);
        let unexplained: Vec<_> = known.unexplained().collect();
        assert_eq!(unexplained, ["fetch/epochs:14"]);
        assert_eq!(known.reasons()["It does not serve these kinds."], 2);
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = Known::read("# Why.\n= admin/quotas\na< NONE\n").expect_err("no line");
        assert_eq!(error, "line 2: expected SCRIPT:LINE");
        let error = Known::read("a< NONE\n").expect_err("no step");
        assert_eq!(error, "line 1: expected `= SCRIPT:LINE` above an answer");
    }
}
