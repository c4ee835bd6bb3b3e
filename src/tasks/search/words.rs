//! The words of a task as its text index keeps them. Both engines get them from here and take them as they are, so that
//! both find the same: letters and digits in lower case, whatever stands between them parts two words. A tag is also a
//! word with a mark that no text can hold.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// A longer word counts by its beginning.
const CHARS_MAX: usize = 40;

/// The words of a text, in its order.
fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if is_plain && word.len() <= CHARS_MAX {
            return Cow::Borrowed(word);
        }
        Cow::Owned(word.to_lowercase().chars().take(CHARS_MAX).collect())
    })
}

fn tag_word(tag: &str) -> String {
    format!("#{}", tag.to_lowercase())
}

/// The texts of a task that words are looked for in.
pub(super) struct Texts<'t> {
    pub(super) title: &'t str,
    pub(super) description: &'t str,
    pub(super) tags: Vec<String>,
}

impl Texts<'_> {
    fn words(&self) -> impl Iterator<Item = Cow<'_, str>> {
        [self.title, self.description].into_iter().chain(self.tags.iter().map(String::as_str)).flat_map(words)
    }
}

/// Everything that a task is found by.
pub(super) fn words_of(task: &Texts<'_>) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = task.words().map(Cow::into_owned).collect();
    all.extend(task.tags.iter().map(|tag| tag_word(tag)));
    all
}

/// The words that somebody looks for.
#[derive(Debug, Default)]
pub(super) struct Sought {
    words: BTreeSet<String>,
    tags: BTreeSet<String>,
}

impl Sought {
    pub(super) fn new(q: &str, tags: &[String]) -> Self {
        Self { words: words(q).map(Cow::into_owned).collect(), tags: tags.iter().map(|tag| tag.to_lowercase()).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.tags.is_empty()
    }

    /// Whether tags alone do not tell whether a task has them all.
    pub(super) fn wants_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// As the text index is asked.
    pub(super) fn question(&self) -> String {
        self.words.iter().cloned().chain(self.tags.iter().map(|tag| tag_word(tag))).collect::<Vec<_>>().join(" ")
    }

    /// Whether a task has them all.
    pub(super) fn are_in(&self, task: &Texts<'_>) -> bool {
        if !self.tags.iter().all(|tag| task.tags.contains(tag)) {
            return false;
        }
        let mut missing: Vec<&str> = self.words.iter().map(String::as_str).collect();
        missing.is_empty()
            || task.words().any(|word| {
                missing.retain(|other| *other != word);
                missing.is_empty()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_whatever_is_no_letter_and_no_digit() {
        for (text, expected) in [
            ("Follow @roborent on X!", &["follow", "roborent", "on", "x"][..]),
            ("data_entry, e-mail; 3.5€", &["data", "entry", "e", "mail", "3", "5"]),
            ("ÄRGER Straße 東京", &["ärger", "straße", "東京"]),
            ("'; drop \" table*", &["drop", "table"]),
            (" \u{0} ", &[]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        }
        let long = "Ab".repeat(CHARS_MAX);
        assert_eq!(words(&long).next().map(|word| word.len()), Some(CHARS_MAX));
    }

    #[test]
    fn a_task_has_what_the_index_would_find() {
        let task = Texts { title: "Translate a page", description: "From German, 300 words.", tags: vec!["de-en".into(), "quick".into()] };
        let all = words_of(&task);
        for (q, sought_tags, expected) in [
            ("", &[][..], true),
            ("GERMAN page", &["DE-en"], true),
            ("quick en 300", &["quick", "de-en"], true),
            ("germ", &[], false),
            ("german french", &[], false),
            ("german", &["de"], false),
            ("de-en", &[], true),
            ("translation", &[], false),
        ] {
            let sought_tags: Vec<String> = sought_tags.iter().map(|tag| (*tag).to_owned()).collect();
            let sought = Sought::new(q, &sought_tags);
            assert_eq!(sought.are_in(&task), expected, "{q}");
            let asked = sought.question();
            assert_eq!(asked.split_whitespace().all(|word| all.contains(word)), expected, "{q}");
        }
    }
}
