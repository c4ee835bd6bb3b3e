//! The walls of the house: which room may use which, who writes the books, how long a file may be.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::{Path, PathBuf};

/// Each room with the rooms it may use. `base` is open to all.
const ROOMS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("ledger", &["base"]),
    ("users", &["base", "ledger"]),
    ("events", &["base", "ledger", "users"]),
    ("wallet", &["base", "ledger", "users", "events"]),
    ("webhooks", &["base", "users", "events"]),
    ("gateway", &["base", "ledger", "users", "events", "wallet"]),
    ("referrals", &["base", "ledger", "users", "events", "wallet"]),
    ("tasks", &["base", "ledger", "users", "events", "wallet", "referrals"]),
    ("ratings", &["base", "ledger", "users", "events", "wallet", "referrals", "tasks"]),
    ("moderation", &["base", "ledger", "users", "events", "wallet", "referrals", "tasks"]),
    ("mailer", &["base", "users"]),
    ("jobs", &["base", "ledger", "users", "events", "wallet", "webhooks", "referrals", "tasks", "ratings", "moderation", "mailer"]),
    (
        "doors",
        &["base", "ledger", "users", "events", "wallet", "webhooks", "gateway", "referrals", "tasks", "ratings", "moderation", "jobs"],
    ),
    ("migrations", &["base", "ledger", "users", "events", "wallet", "webhooks", "gateway", "referrals", "tasks", "ratings", "moderation"]),
    (
        "start",
        &[
            "base",
            "users",
            "events",
            "wallet",
            "webhooks",
            "gateway",
            "referrals",
            "tasks",
            "ratings",
            "moderation",
            "mailer",
            "jobs",
            "doors",
            "migrations",
        ],
    ),
    ("cli", &["base"]),
    ("commands", &["base", "users", "events", "wallet", "gateway", "jobs", "doors", "migrations", "start", "cli"]),
    ("testing", &["base", "users", "gateway", "jobs", "doors", "migrations", "start"]),
];

const MONEY_TABLES: [&str; 8] = ["accounts", "transactions", "postings", "entries", "fresh_entries", "unsealed", "seals", "chain_head"];
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    ["src", "crates", "xtask", "tests"].iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// The first folder or file name below `src`.
fn room_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The rooms that a text names by `crate::room`, without what stands in its tests.
fn used_rooms(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut rooms = Vec::new();
    for line in lines {
        for part in line.split("crate::").skip(1) {
            if let Some(group) = part.strip_prefix('{') {
                rooms.extend(group.trim_end_matches(['}', ';']).split(',').map(|name| name.trim().split("::").next().unwrap().to_owned()));
            } else {
                rooms.push(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    rooms.retain(|room| !room.is_empty() && room != "refusals" && room != "id" && room != "words" && room != "on_both_engines");
    rooms
}

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    for (path, text) in files("src", "rs") {
        let room = room_of(&path);
        if room == "lib" || room == "main" {
            continue;
        }
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} has no place in ROOMS")).1;
        for used in used_rooms(&text) {
            assert!(used == room || allowed.contains(&used.as_str()), "{} uses {used}, which is not above {room}", path.display());
        }
    }
}

#[test]
fn sql_stands_only_in_the_store_of_a_room() {
    for (path, text) in files("src", "rs") {
        let is_store = path.file_name().unwrap() == "store.rs";
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let is_sql = ["\"select ", "\"insert into ", "\"update ", "\"delete from "].iter().any(|start| line.contains(start));
            assert!(is_store || !is_sql, "{}:{}: SQL belongs into store.rs", path.display(), number + 1);
        }
    }
}

#[test]
fn only_the_ledger_writes_the_books() {
    for (path, text) in files("src", "rs") {
        if room_of(&path) == "ledger" {
            continue;
        }
        for table in MONEY_TABLES {
            for verb in ["insert into", "update", "delete from", "from", "join"] {
                assert!(!text.contains(&format!("{verb} {table} ")), "{} touches {table}", path.display());
            }
        }
    }
}

#[test]
fn only_the_dispatcher_opens_transactions() {
    for (path, text) in files("src", "rs") {
        if path.ends_with("base/call.rs") {
            continue;
        }
        assert!(!text.contains("store.command(") && !text.contains("store.query("), "{} opens a transaction of its own", path.display());
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: is it still one idea?", path.display());
        assert!(text.starts_with("//!"), "{} does not open with what it is for", path.display());
    }
}

#[test]
fn names_say_something() {
    for (path, _) in sources() {
        for part in &path {
            let name = part.to_str().unwrap().trim_end_matches(".rs");
            assert!(
                !["utils", "util", "helpers", "helper", "common", "manager", "misc"].contains(&name),
                "{} says nothing",
                path.display()
            );
        }
    }
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    for (path, text) in sources() {
        let allow = ["#[al", "low("].concat();
        assert!(!text.contains(&allow), "{}: use #[expect(lint, reason = …)]", path.display());
        for (number, line) in text.lines().enumerate() {
            let one_line = line.contains("[expect(") && line.contains(")]") && !line.contains("contains(");
            assert!(!one_line || line.contains("reason = "), "{}:{}: why?", path.display(), number + 1);
        }
    }
}

#[test]
fn crates_keep_their_distance() {
    let manifest = |name: &str| std::fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).unwrap();
    let dependencies = |text: &str| text.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap().to_owned();
    for line in dependencies(&manifest("audit")).lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap();
        assert!(!["store", "roborent", "serde", "schemars"].contains(&name), "the auditor must not use {name}");
    }
    for line in dependencies(&manifest("store")).lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap();
        assert!(!["audit", "roborent"].contains(&name), "the store must not use {name}");
    }
    for line in dependencies(&manifest("tron")).lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap();
        assert!(!["store", "audit", "devnet", "roborent", "prost", "axum"].contains(&name), "the tron crate must not use {name}");
    }
    for line in dependencies(&manifest("devnet")).lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap();
        assert!(
            !["tron", "store", "audit", "roborent"].contains(&name),
            "the devnet must not use {name}: what both sides got wrong in the same way would go unnoticed"
        );
    }
    // TCP has a "user timeout" of its own, and java-tron calls its interface for everybody "/wallet/": no words of ours.
    let names_of_others = ["tcp_user_timeout", "\"/wallet/"];
    for (path, text) in files("crates/store/src", "rs").into_iter().chain(files("crates/tron/src", "rs")) {
        let code: String = text.split("#[cfg(test)]").next().unwrap().lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        let code = names_of_others.iter().fold(code, |code, name| code.replace(name, ""));
        for word in ["user", "wallet", "usdt", "escrow", "withdrawal", "ledger", "reward"] {
            assert!(
                !code.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|w| w == word),
                "{} knows the word {word}",
                path.display()
            );
        }
    }
}

#[test]
fn the_tree_is_free_of_openssl_and_of_second_crypto_libraries() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for banned in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "cmake"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"\n")), "{banned} came in");
    }
}

#[test]
fn templates_hold_no_inline_script_or_style() {
    for (path, text) in files("templates", "html") {
        for pattern in [" style=", " onclick=", " onload=", "javascript:", "<script>", "|safe"] {
            assert!(!text.contains(pattern), "{} holds {pattern}", path.display());
        }
    }
}
