//! The words of a task as its text index keeps them. Both engines get them from here and take them as they are, so that
//! both find the same: letters and digits in lower case, whatever stands between them parts two words. A tag and a
//! category are also words with a mark that no text can hold.

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

/// Everything that a task is found by.
pub(super) fn words_of(category: &str, texts: [&str; 2], tags: &[String]) -> BTreeSet<String> {
    let texts = texts.into_iter().chain(tags.iter().map(String::as_str));
    let mut all: BTreeSet<String> = texts.flat_map(words).map(Cow::into_owned).collect();
    all.extend(tags.iter().map(|tag| tag_word(tag)));
    all.insert(format!("@{category}"));
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

    /// Whether the texts of a task are needed to tell whether it has them all.
    pub(super) fn wants_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// As the text index is asked, with the category if it matters.
    pub(super) fn question(&self, category: Option<&str>) -> String {
        let marked = self.tags.iter().map(|tag| tag_word(tag)).chain(category.map(|category| format!("@{category}")));
        self.words.iter().cloned().chain(marked).collect::<Vec<_>>().join(" ")
    }

    /// Whether a task has them all.
    pub(super) fn are_in(&self, texts: [&str; 2], tags: &[String]) -> bool {
        if !self.tags.iter().all(|tag| tags.contains(tag)) {
            return false;
        }
        let mut missing: BTreeSet<&str> = self.words.iter().map(String::as_str).collect();
        let texts = texts.into_iter().chain(tags.iter().map(String::as_str));
        missing.is_empty()
            || texts.flat_map(words).any(|word| {
                missing.remove(word.as_ref());
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
        let (texts, tags) = (["Translate a page", "From German, 300 words."], ["de-en".to_owned(), "quick".to_owned()]);
        let all = words_of("translation", texts, &tags);
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
            assert_eq!(sought.are_in(texts, &tags), expected, "{q}");
            let asked = sought.question(Some("translation"));
            assert_eq!(asked.split(' ').all(|word| all.contains(word)), expected, "{q}");
        }
    }
}
