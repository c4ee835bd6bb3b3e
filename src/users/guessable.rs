//! What those who guess try first: common words, rows of keys, years, the address itself, alone or one after the other, with
//! digits and signs around them or in place of letters. A password is taken apart into such pieces in the cheapest way; when
//! what that costs is little, so is guessing it.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Bits below which a password is not taken. Nobody gets many guesses here; this is for a stolen hash, which is slow to try.
const ENOUGH: u32 = 32;
/// One of about five hundred words.
const WORD: u32 = 9;
/// What belongs to the account or to this site.
const OWN: u32 = 4;
/// A run of keys, letters or digits, somewhere and so long.
const ROW: u32 = 7;
const YEAR: u32 = 6;
const LETTER: u32 = 5;
const DIGIT: u32 = 4;
/// The longest piece that is looked for, but for the account's own.
const PIECE_MAX: usize = 20;
const ROW_MIN: usize = 3;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common_words.txt").split_whitespace().collect());

/// As keys lie side by side or one below the other; read from both ends.
const ROWS: [&str; 14] = [
    "012345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "zaq12wsxcde34rfvbgt56yhnmju7",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "!@#$%^&*()",
    "147258369",
    "789456123",
    "159753",
];

static ROWS_BACK: LazyLock<Vec<String>> = LazyLock::new(|| ROWS.iter().map(|row| row.chars().rev().collect()).collect());

/// Whether the password is easy to guess for somebody who knows the address.
pub(super) fn is_guessable(password: &str, email: &str) -> bool {
    let letters: Vec<char> = password.to_lowercase().chars().collect();
    let repeats = (1..=letters.len() / 3).any(|period| letters.iter().zip(&letters[period..]).all(|(a, b)| a == b));
    repeats || cost(&letters, &own(email)) < ENOUGH
}

/// The address and its parts, and the name of this site.
fn own(email: &str) -> Vec<Vec<char>> {
    let email = email.to_lowercase();
    let parts = email.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= ROW_MIN);
    parts.chain([email.as_str(), "roborent"]).filter(|part| !part.is_empty()).map(|part| part.chars().collect()).collect()
}

/// The bits of the cheapest way to put these letters together.
fn cost(letters: &[char], own: &[Vec<char>]) -> u32 {
    let mut cheapest = vec![0; letters.len() + 1];
    for end in 1..=letters.len() {
        let last = letters[end - 1];
        let mut best = cheapest[end - 1] + if last.is_ascii_digit() { DIGIT } else { LETTER };
        for start in end.saturating_sub(PIECE_MAX)..end {
            if let Some(bits) = piece(&letters[start..end]) {
                best = best.min(cheapest[start] + bits);
            }
        }
        for word in own.iter().filter(|word| letters[..end].ends_with(word)) {
            best = best.min(cheapest[end - word.len()] + OWN);
        }
        cheapest[end] = best;
    }
    cheapest[letters.len()]
}

/// What a piece costs that somebody would try as a whole.
fn piece(letters: &[char]) -> Option<u32> {
    let text: String = letters.iter().collect();
    if letters.len() >= ROW_MIN {
        let is_row = ROWS.iter().any(|row| row.contains(&text)) || ROWS_BACK.iter().any(|row| row.contains(&text));
        let is_one = letters.iter().all(|letter| *letter == letters[0]);
        if is_row || is_one {
            return Some(ROW);
        }
    }
    if text.len() == 4 && text.parse().is_ok_and(|year: u32| (1900..2050).contains(&year)) {
        return Some(YEAR);
    }
    // Digits and signs that stand for letters; a one is an i or an l.
    let is_word = |one: char| WORDS.contains(letters.iter().map(|letter| plain(*letter, one)).collect::<String>().as_str());
    (letters.len() > ROW_MIN && (WORDS.contains(text.as_str()) || is_word('i') || is_word('l'))).then_some(WORD)
}

const fn plain(letter: char, one: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused() {
        // Of those that leaks show again and again, the ones that are long enough to come here.
        let common = "1234567890 0987654321 1234512345 123123123123 111111111111 q1w2e3r4t5 1q2w3e4r5t 1qaz2wsx3edc zaq12wsxcde3 \
            qwertyuiop qwerty12345 qwertyuiop123 asdfghjkl123 poiuytrewq abcdefghij abcd123456 a123456789 123456789a 1234qwerty \
            password12 password1234 password123! passw0rd123 P@ssw0rd2024 passwordpassword mypassword1 letmein1234 iloveyou12 \
            iloveyou123 iloveyou2024 football123 basketball volleyball1 liverpool1 manchester manchesterunited chelsea2020 \
            princess123 superman123 spiderman1 batman1234 pokemon123 starwars12 startrek77 metallica1 slipknot666 michael1234 \
            jennifer12 christopher elizabeth1 alexander1 jonathan12 nicholas123 samantha123 sunshine123 chocolate1 butterfly1 \
            monkey12345 dragon12345 dragonmonkey trustno1234 welcome2026 administrator admin12345 changeme123 qweasdzxc123 \
            january2025 summer2024! winter2023 december12 computer123 internet12 bitcoin2024 crypto12345";
        for weak in common.split_whitespace() {
            assert!(is_guessable(weak, "me@example.com"), "{weak}");
        }
    }

    #[test]
    fn the_account_itself_is_refused() {
        for weak in ["ann.miller@example.com", "annmiller2024", "miller-ann-1234", "roborent2026", "Roborent-Ann", "millermiller"] {
            assert!(is_guessable(weak, "ann.miller@example.com"), "{weak}");
        }
        assert!(!is_guessable("annmiller and her six cats", "ann.miller@example.com"), "more is needed than to hold the name");
    }

    #[test]
    fn what_takes_long_to_guess_is_taken() {
        let good = [
            "correct horse battery",
            "password is a bad word",
            "xkcd 936 agrees",
            "welcome home dear cat",
            "1v7UpjW3nt",
            "k8sgq2wpzr",
            "tr0ub4dor&3x",
            "\u{6b63}\u{78ba}\u{99ac}\u{96fb}\u{6c60}\u{91d8}\u{5929}\u{6c17}\u{5c71}\u{5ddd}",
        ];
        for good in good {
            assert!(!is_guessable(good, "me@example.com"), "{good}");
        }
    }

    #[test]
    fn the_words_are_plain_and_there_once() {
        let words: Vec<&str> = include_str!("common_words.txt").split_whitespace().collect();
        assert!(words.len() >= 500 && WORDS.len() == words.len(), "{} words, {} of them different", words.len(), WORDS.len());
        assert!(words.iter().all(|word| (4..=PIECE_MAX).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
