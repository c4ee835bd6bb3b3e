//! What the operator's manual shows works as it stands there, once it is filled in.

use crate::keys::{DRAWN, IMPORT, LEFT, MAINNET, PASSPHRASE, after, two};
use crate::place::Place;

const MANUAL: &str = include_str!("../../docs/operating.md");

/// The blocks of a kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    MANUAL.split(&format!("```{kind}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_settings_of_the_manual_pass_when_they_are_filled_in() {
    let place = Place::new();
    let folder = place.path("etc");
    let folder = folder.to_str().unwrap();
    let told = place.told(&[PASSPHRASE, MAINNET], &[&IMPORT[..], &["--dir", folder]].concat(), &two(DRAWN, LEFT));
    for (name, text) in [
        ("passphrase", PASSPHRASE.1),
        ("provider-keys", "a\nb\n"),
        ("database-url", "postgres://roborent@127.0.0.1/roborent"),
        ("auth-secret", "a secret of more than thirty-two letters"),
    ] {
        std::fs::write(place.path("etc").join(name), text).unwrap();
    }
    let examples = blocks("toml");
    assert_eq!(examples.len(), 2);
    for example in examples {
        let file = place.path("settings.toml");
        let check = ["check-config", "--config", file.to_str().unwrap()];
        let credentials = example.split('"').find(|text| text.starts_with("/run/credentials/")).unwrap();
        let here = example.replace(credentials, "/etc/roborent/passphrase").replace("/etc/roborent", folder);
        std::fs::write(&file, &here).unwrap();
        assert!(place.refused(&[], &check, "").contains("chain.deposit_xpub"), "the first that has to be filled in");
        let filled = here
            .replace("xpub6…", &after(&told, "deposit_xpub = "))
            .replace("hot_address = \"T…\"", &format!("hot_address = \"{}\"", after(&told, "hot_address = ")))
            .replace("T…", "TQn9Y2khEsLJW1ChVWFMSMeRDow5KcbLSE");
        std::fs::write(&file, filled).unwrap();
        place.told(&[], &check, "");
        // Whoever opens no keystore can do without the passphrase.
        std::fs::write(&file, example.replace("/etc/roborent", folder)).unwrap();
        let unit = credentials.split('/').nth(3).unwrap();
        assert!(unit == "roborent.service" || unit == "roborent-gateway.service", "{unit}");
        assert!(place.refused(&[], &check, "").contains("chain.passphrase_file: /run/credentials/"));
        assert!(place.refused(&[("CHAIN__PASSPHRASE_FILE", "")], &check, "").contains("chain.deposit_xpub"));
    }
    assert!(blocks("ini")[0].contains("LoadCredential=passphrase:/etc/roborent/passphrase\n"));
}

#[test]
fn the_manual_explains_every_check_of_the_auditor() {
    let checks = include_str!("../../crates/audit/src/checks.rs");
    let ids = checks.split("Check { id: \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let table = MANUAL.split("| check | what must hold |").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = table.lines().filter_map(|row| row.split('|').nth(1)).collect::<Vec<_>>().join(",");
    let explained = first.split(',').map(str::trim).collect::<Vec<_>>();
    let missing = ids.filter(|id| !explained.contains(id)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "{missing:?}");
}
