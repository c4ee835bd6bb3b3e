//! Phrases that real money must not lie under: those that stand in specifications, manuals and tools of developers, and those
//! that nobody rolled dice for. What arrives at their addresses is taken within seconds.

use std::collections::BTreeSet;

use bip39::{Language, Mnemonic};
use tron::AccountSecretKey;
use zeroize::Zeroizing;

use crate::base::Address;
use crate::gateway::sandbox_keys;

/// BIP-39 has a phrase of each of these bytes, repeated.
const REPEATED: [u8; 4] = [0x00, 0x7f, 0x80, 0xff];
/// How many bytes make 12, 15, 18, 21 and 24 words.
const LENGTHS: [u8; 5] = [16, 20, 24, 28, 32];
/// The other phrases that are printed somewhere.
const PRINTED: [&str; 27] = [
    // The vectors of BIP-39.
    "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
    "gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog",
    "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word \
     shrug inflict delay length",
    "scheme spot photo card baby mountain device kick cradle pact join borrow",
    "horn tenant knee talent sponsor spell gate clip pulse soap slush warm silver nephew swap uncle crack brave",
    "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick \
     inner drive ghost inside",
    "cat swing flag economy stadium alone churn speed unique patch report train",
    "light rule cinnamon wrap drastic word pride squirrel upgrade then income fatal apart sustain crack supply proud access",
    "all hour make first leader extend hole alien behind guard gospel lava path output census museum junior mass reopen famous sing \
     advance salt reform",
    "vessel ladder alter error federal sibling chat ability sun glass valve picture",
    "scissors invite lock maple supreme raw rapid void congress muscle digital elegant little brisk hair mango congress clump",
    "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist \
     slush involve unfold",
    // Test networks of TRON, and libraries for it.
    "treat nation math panel calm spy much obey moral hazard they sorry",
    "push wrong tribe amazing again cousin hill belt silent found sketch monitor",
    "million caught suspect silk lady pond tribe regret vacuum pigeon annual ordinary",
    // Hardhat and Anvil, Truffle, Ganache.
    "test test test test test test test test test test test junk",
    "candy maple cake sugar pudding cream honey rich smooth crumble sweet treat",
    "myth like bonus scare over problem client lizard pioneer submit female collect",
    // Trezor, Ledger's emulator, Substrate, MetaMask's tests.
    "all all all all all all all all all all all all",
    "glory promote mansion idle axis finger extra february uncover one trip resource lawn turtle enact monster seven myth punch hobby \
     comfort wild raise skin",
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk",
    "spread raise short crane omit tent fringe mandate neglect detail suspect cradle",
    // Manuals of ethers, and "Mastering Bitcoin".
    "announce room limb pattern dry unit scale effort smooth jazz weasel alcohol",
    "radar blur cabbage chef fix engine embark joy scheme fiction master release",
    "army van defense carry jealous true garbage claim echo media make crunch",
    "cake apple borrow silk endorse fitness top denial coil riot stay wolf luggage oxygen faint major edit measure invite love trap field \
     dilemma oblige",
    "alcohol woman abuse must during monitor noble actual mixed trade anger aisle",
];
/// So many addresses of each are looked at.
const ADDRESSES: u32 = 20;
/// Bytes that take fewer values than this, or go on in fewer different steps, are a pattern. Of the shortest phrase that are 16
/// random bytes with 15 steps between them: less than C(256,6) (6/256)^15, which is 2 in 10^13, for either. That half of its
/// words are all there are happens less than C(2048,6) (6/2048)^11, 2 in 10^11 times, and that six words come again less than
/// 2048^-5, 3 in 10^17. Nobody will see a phrase that was drawn refused.
const VALUES_MIN: usize = 7;

/// Refuses a phrase that is printed somewhere, and one with a pattern in it.
///
/// # Errors
/// A sentence that begins with `name` and shows nothing of the phrase.
pub fn refuse_phrase(name: &str, words: &str) -> Result<(), String> {
    let phrase = Mnemonic::parse_in(Language::English, words).map_err(|_| format!("{name} cannot be read"))?;
    if has_a_pattern(&phrase) {
        return Err(format!(
            "{name} is one that everybody can guess: its words follow a pattern; make a new one with roborent wallet init"
        ));
    }
    if printed().contains(&phrase) {
        return Err(format!("{name} is one that everybody knows; make a new one with roborent wallet init"));
    }
    Ok(())
}

/// Refuses wallets that come from a phrase that is printed somewhere, and those of the sandbox. A pattern cannot be seen here.
///
/// # Errors
/// A sentence that names the wallet.
pub fn refuse_wallets(deposit_xpub: &str, wallets: &[(&str, Address)]) -> Result<(), String> {
    let known_to_all =
        |name: &str| Err(format!("{name} is of a phrase that everybody knows; roborent wallet init makes keys of a new one"));
    let mut accounts = vec![sandbox_keys::deposits().map_err(|error| error.to_string())?];
    for phrase in printed() {
        let words = Zeroizing::new(phrase.to_string());
        accounts.push(AccountSecretKey::from_mnemonic(&words, "").map_err(|error| error.to_string())?);
    }
    let mut known = vec![Address(sandbox_keys::hot().address()), sandbox_keys::faucet_address()];
    for account in accounts.iter().map(AccountSecretKey::public) {
        if account.to_string() == deposit_xpub {
            return known_to_all("chain.deposit_xpub");
        }
        for index in 0..ADDRESSES {
            known.push(account.address(index).map(Address).map_err(|error| error.to_string())?);
        }
    }
    match wallets.iter().find(|(_, address)| known.contains(address)) {
        Some((name, _)) => known_to_all(name),
        None => Ok(()),
    }
}

/// Every phrase that is known to be printed.
fn printed() -> Vec<Mnemonic> {
    let made = LENGTHS.into_iter().flat_map(|length| {
        let repeated = REPEATED.into_iter().map(move |byte| vec![byte; usize::from(length)]);
        // 00 01 02 …: examples are full of it.
        repeated.chain([(0..length).collect()])
    });
    let made = made.map(|entropy| Mnemonic::from_entropy_in(Language::English, &entropy));
    let typed = PRINTED.into_iter().map(|words| Mnemonic::parse_in(Language::English, words));
    made.chain(typed).filter_map(Result::ok).collect()
}

/// Whether somebody typed bytes or words as they came to his mind, instead of having them drawn.
fn has_a_pattern(phrase: &Mnemonic) -> bool {
    let (bytes, length) = phrase.to_entropy_array();
    let bytes = Zeroizing::new(bytes);
    let bytes = &bytes[..length];
    let values = bytes.iter().collect::<BTreeSet<_>>().len();
    let steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect::<BTreeSet<_>>().len();
    let words = phrase.words().collect::<Vec<_>>();
    let half = words.len() / 2;
    let is_narrow = words.iter().collect::<BTreeSet<_>>().len() <= half;
    // The last word holds the checksum: nobody chooses it.
    let chosen = &words[..words.len() - 1];
    let comes_again = (1..=half).any(|period| chosen[period..] == chosen[..chosen.len() - period]);
    values < VALUES_MIN || steps < VALUES_MIN || is_narrow || comes_again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Entropy;
    use crate::gateway::new_keys::new_phrase;

    #[test]
    fn every_printed_phrase_is_a_phrase() {
        assert_eq!(printed().len(), LENGTHS.len() * (REPEATED.len() + 1) + PRINTED.len());
    }

    #[test]
    fn phrases_that_are_printed_or_have_a_pattern_are_refused() {
        let again = |words: &str, times: usize, last: &str| format!("{}{last}", format!("{words} ").repeat(times));
        for words in [
            again("abandon", 11, "about"),
            again("abandon", 14, "address"),
            again("abandon", 17, "agent"),
            again("abandon", 20, "admit"),
            again("abandon", 23, "art"),
            again("zoo", 11, "wrong"),
            again("zoo", 17, "when"),
            again("zoo", 23, "vote"),
            again("legal winner thank year wave sausage worth useful", 1, "legal winner thank yellow"),
            again("legal winner thank year wave sausage worth useful", 2, "legal will"),
            again("legal winner thank year wave sausage worth useful", 2, "legal winner thank year wave sausage worth title"),
            again("letter advice cage absurd amount doctor acoustic avoid", 1, "letter advice cage above"),
            again("letter advice cage absurd amount doctor acoustic avoid", 2, "letter always"),
            again("letter advice cage absurd amount doctor acoustic avoid", 2, "letter advice cage absurd amount doctor acoustic bless"),
        ] {
            let complaint = refuse_phrase("it", &words).expect_err(&words);
            assert!(complaint.contains("everybody"), "{complaint}");
        }
        for phrase in printed() {
            assert!(refuse_phrase("it", &phrase.to_string()).is_err(), "{phrase}");
        }
        // The same phrase in another spelling.
        assert!(refuse_phrase("it", &format!("  {}", PRINTED[0].replace(' ', "   "))).is_err());
    }

    #[test]
    fn bytes_and_words_with_a_pattern_are_refused_at_every_length() {
        for length in LENGTHS.map(usize::from) {
            let pairs = [[3, 200], [17, 18], [0, 255]].map(|pair: [u8; 2]| pair.into_iter().cycle().take(length).collect::<Vec<_>>());
            let counted = (0..length).rev().map(|at| u8::try_from(at * 3 + 5).expect("small")).collect();
            for entropy in pairs.into_iter().chain([vec![42; length], counted]) {
                let phrase = Mnemonic::from_entropy_in(Language::English, &entropy).expect("a length that there is");
                assert!(has_a_pattern(&phrase), "{entropy:?}");
            }
        }
    }

    #[test]
    fn words_that_come_again_are_refused() {
        for typed in
            ["river orange silent happy market tower river orange silent happy market", "cat cat cat dog dog dog fox fox fish fish fish"]
        {
            let with = |last: &&str| Mnemonic::parse_in(Language::English, format!("{typed} {last}")).ok();
            let phrase = Language::English.word_list().iter().find_map(with).expect("one of sixteen words fits");
            assert!(has_a_pattern(&phrase), "{phrase}");
        }
    }

    #[test]
    fn phrases_that_were_drawn_are_taken() {
        let mut chance = Entropy::from_number(11).fork();
        for _ in 0..2_000 {
            let short: [u8; 16] = chance.bytes();
            let phrase = Mnemonic::from_entropy_in(Language::English, &short).expect("16 bytes");
            assert!(!has_a_pattern(&phrase), "{phrase}");
        }
        assert_eq!(refuse_phrase("it", &new_phrase().expect("a phrase")), Ok(()));
    }

    #[test]
    fn wallets_of_printed_phrases_and_of_the_sandbox_are_refused() {
        let own = Address(tron::SecretKey::from_bytes(&[7; 32]).expect("a key").address());
        let hot = |address| refuse_wallets("another", &[("chain.hot_address", address)]);
        assert_eq!(hot(own), Ok(()));
        assert!(hot(Address(sandbox_keys::hot().address())).is_err() && hot(sandbox_keys::faucet_address()).is_err());
        for words in [format!("{}art", "abandon ".repeat(23)), PRINTED[12].to_owned()] {
            let account = AccountSecretKey::from_mnemonic(&words, "").expect("a phrase").public();
            let third = Address(account.address(3).expect("derived"));
            assert!(hot(third).is_err_and(|why| why.starts_with("chain.hot_address is of a phrase that everybody knows")));
            assert!(refuse_wallets(&account.to_string(), &[]).is_err_and(|why| why.starts_with("chain.deposit_xpub")));
        }
    }
}
