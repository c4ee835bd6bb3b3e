//! What a task must not ask for and a comment not say: patterns that admins edit.

use crate::base::{Context, Result};
use crate::tasks::{TaskRefusal, store};

/// Refuses texts that hold what a rule blocks.
///
/// # Errors
/// `policy_blocked`, with the name of the rule.
pub fn check_content(cx: &mut Context<'_, '_>, texts: &[&str]) -> Result<()> {
    let words: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    for (name, pattern) in store::content_rules(cx)? {
        if matches(&pattern, &words) {
            return Err(TaskRefusal::PolicyBlocked { rule: name }.into());
        }
    }
    Ok(())
}

/// Whether one of the alternatives stands in one of the texts, its words next to each other. `*` alone is any word, at the
/// end of a word any ending.
pub(super) fn matches(pattern: &str, texts: &[Vec<String>]) -> bool {
    let pattern = pattern.to_lowercase();
    pattern.split('|').any(|alternative| {
        let wanted: Vec<&str> = alternative.split_whitespace().collect();
        let found = |run: &[String]| run.iter().zip(&wanted).all(|(word, wanted)| word_matches(wanted, word));
        !wanted.is_empty() && texts.iter().any(|words| words.windows(wanted.len()).any(found))
    })
}

fn word_matches(wanted: &str, word: &str) -> bool {
    wanted.strip_suffix('*').map_or(word == wanted, |start| word.starts_with(start))
}

/// The words of a text, in lower case. Marks that do not show do not part a word.
fn words(text: &str) -> Vec<String> {
    const UNSEEN: [char; 6] = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'];
    let seen: String = text.chars().filter(|c| !UNSEEN.contains(c)).collect::<String>().to_lowercase();
    seen.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_their_words_in_a_row_and_nothing_else() {
        for (pattern, text, found) in [
            ("solve captcha*", "Please SOLVE CAPTCHAs for me", true),
            ("solve captcha*", "Write about how captchas are solved", false),
            ("create * accounts | fake accounts", "create 50 accounts on a forum", true),
            ("create * accounts | fake accounts", "buy fake accounts", true),
            ("create * accounts", "Create an account and tell us how it went", false),
            ("share your password*", "Share your pass\u{200b}word with us", true),
            ("dox*", "doxxing wanted", true),
            ("", "anything", false),
            (" | ", "anything", false),
        ] {
            assert_eq!(matches(pattern, &[words(text)]), found, "{pattern}: {text}");
        }
    }
}
