//! How the two engines write the same things: the schema's tokens, ids, bytes.

use std::fmt::Write as _;
use std::path::Path;

use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub fn id(self, id: Uuid) -> String {
        match self {
            Self::Sqlite => format!("x'{}'", id.simple()),
            Self::Postgres => format!("'{id}'::uuid"),
        }
    }

    pub fn bytes(self, bytes: &[u8]) -> String {
        let mut hex = String::new();
        for byte in bytes {
            write!(hex, "{byte:02x}").expect("writing to a String does not fail");
        }
        match self {
            Self::Sqlite => format!("x'{hex}'"),
            Self::Postgres => format!("'\\x{hex}'::bytea"),
        }
    }

    pub fn bool(self, value: bool) -> &'static str {
        match (self, value) {
            (Self::Sqlite, false) => "0",
            (Self::Sqlite, true) => "1",
            (Self::Postgres, false) => "false",
            (Self::Postgres, true) => "true",
        }
    }

    /// What tells two equal rows of a table apart.
    pub fn row_name(self) -> &'static str {
        match self {
            Self::Sqlite => "rowid",
            Self::Postgres => "ctid",
        }
    }

    /// Replaces the tokens of a schema or of a planted damage.
    pub fn render(self, sql: &str) -> String {
        let mut text = String::new();
        let mut wanted = true;
        for line in sql.lines() {
            match line.trim() {
                "{sqlite}" => wanted = self == Self::Sqlite,
                "{postgres}" => wanted = self == Self::Postgres,
                "{end}" => wanted = true,
                _ if wanted => {
                    text.push_str(line);
                    text.push('\n');
                }
                _ => {}
            }
        }
        let tokens = match self {
            Self::Sqlite => [
                ("{uuid}", "blob"),
                ("{bytes}", "blob"),
                ("{int}", "integer"),
                ("{bool}", "integer"),
                ("{text}", "text"),
                ("{table}", "strict"),
                ("{narrow}", "strict, without rowid"),
            ],
            Self::Postgres => [
                ("{uuid}", "uuid"),
                ("{bytes}", "bytea"),
                ("{int}", "bigint"),
                ("{bool}", "boolean"),
                ("{text}", "text collate \"C\""),
                ("{table}", ""),
                ("{narrow}", ""),
            ],
        };
        for (token, meaning) in tokens {
            text = text.replace(token, meaning);
        }
        choices(&text)
            .replace("{new}", &self.id(Uuid::from_u128(0x0666_0000_0000_7000_8000_0000_0000_0666)))
            .replace("{nil}", &self.id(Uuid::nil()))
            .replace("{fees}", &self.id(crate::market::PLATFORM_FEES))
            .replace("{onchain}", &self.id(crate::market::ONCHAIN))
            .replace("{32 bytes}", &self.bytes(&[7; 32]))
            .replace("{true}", self.bool(true))
            .replace("{false}", self.bool(false))
            .replace("{31 bytes}", &self.bytes(&[7; 31]))
    }

    /// The whole schema, and the table that says so.
    pub fn schema(self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<_> = folder
            .read_dir()
            .expect("the folder of migrations")
            .map(|entry| entry.expect("a migration").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .collect();
        files.sort();
        let mut sql = "create table migrations (number {int} primary key, name {text} not null, \
                       checksum {bytes} not null, applied_at {int} not null) {table};\n"
            .to_owned();
        for file in files {
            let name = file.file_name().expect("a file").to_string_lossy().into_owned();
            let number: u32 = name[..4].parse().expect("migrations begin with their number");
            sql.push_str(&std::fs::read_to_string(&file).expect("a readable migration"));
            write!(sql, "\ninsert into migrations values ({number}, '{name}', {{32 bytes}}, 0);\n")
                .expect("writing to a String does not fail");
        }
        self.render(&sql)
    }
}

/// Both engines read `{a one of …}` as `a in (…)`.
fn choices(sql: &str) -> String {
    let mut pieces = sql.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('}').and_then(|(choice, after)| Some((choice.split_once(" one of ")?, after))) {
            Some(((column, words), after)) => write!(text, "{column} in ({words}){after}"),
            None => write!(text, "{{{piece}"),
        }
        .expect("writing to a String does not fail");
    }
    text
}
