//! Migrations: one numbered, forward-only set for both engines, checksummed, applied under a lock.

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::{checks, pg_connect};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1, 2, 3 …
    pub number: i64,
    /// What it brings, from its file name.
    pub name: &'static str,
    /// The text with tokens for both engines.
    pub sql: &'static str,
}

const CREATE: &str = "create table if not exists migrations (number {int} primary key, name {text} not null, checksum {bytes} not null, applied_at {int} not null) {table};";

const APPLIED: &str = "select number, checksum from migrations order by number";

#[derive(Clone, Copy)]
enum Dialect {
    Lite,
    Postgres,
}

/// Replaces the tokens and keeps the sections of one engine.
fn render(sql: &str, dialect: Dialect) -> String {
    let tokens: [(&str, &str); 7] = match dialect {
        Dialect::Lite => [
            ("{uuid}", "blob"),
            ("{bytes}", "blob"),
            ("{int}", "integer"),
            ("{bool}", "integer"),
            ("{text}", "text"),
            ("{table}", "strict"),
            ("{narrow}", "strict, without rowid"),
        ],
        Dialect::Postgres => [
            ("{uuid}", "uuid"),
            ("{bytes}", "bytea"),
            ("{int}", "bigint"),
            ("{bool}", "boolean"),
            ("{text}", "text collate \"C\""),
            ("{table}", ""),
            ("{narrow}", ""),
        ],
    };
    let mut keep = true;
    let mut text = String::with_capacity(sql.len());
    for line in sql.lines() {
        match (line.trim(), dialect) {
            ("{sqlite}", Dialect::Lite) | ("{postgres}", Dialect::Postgres) | ("{end}", _) => keep = true,
            ("{sqlite}", Dialect::Postgres) | ("{postgres}", Dialect::Lite) => keep = false,
            _ if keep => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    let text = tokens.iter().fold(text, |text, (token, replacement)| text.replace(token, replacement));
    match dialect {
        Dialect::Lite => choices(&text, dialect),
        Dialect::Postgres => checks::folded(&choices(&without_comments(&text), dialect)),
    }
}

fn without_comments(text: &str) -> String {
    // No value in a migration holds two dashes.
    text.lines().map(|line| line.split("--").next().unwrap_or_default().trim_end()).fold(String::new(), |text, line| text + line + "\n")
}

/// Writes out `{column one of 'a', 'b'}` as each engine checks it best.
fn choices(text: &str, dialect: Dialect) -> String {
    let mut pieces = text.split('{');
    let mut written = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let choice = piece.split_once('}').and_then(|(choice, after)| Some((choice.split_once(" one of ")?, after)));
        written += &match (choice, dialect) {
            (None, _) => format!("{{{piece}"),
            (Some(((column, words), after)), Dialect::Postgres) => format!("{column} in ({words}){after}"),
            (Some(((column, words), after)), Dialect::Lite) => {
                let each: Vec<String> = words.split(", ").map(|word| format!("{column} = {word}")).collect();
                format!("({}){after}", each.join(" or "))
            }
        };
    }
    written
}

fn checksum(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql.as_bytes()).to_vec()
}

/// Which migrations are still to be applied; refuses a database that this program does not know.
fn pending<'m>(migrations: &'m [Migration], applied: &[(i64, Vec<u8>)]) -> Result<&'m [Migration], StoreError> {
    for ((number, sum), migration) in applied.iter().zip(migrations) {
        if *number != migration.number || *sum != checksum(migration) {
            return Err(StoreError::Migration(format!(
                "migration {number} in the database is not the one this program knows; it was made by another version"
            )));
        }
    }
    migrations.get(applied.len()..).ok_or_else(|| {
        StoreError::Migration(format!(
            "the database has {} migrations, this program knows {}: start a newer version of the program",
            applied.len(),
            migrations.len()
        ))
    })
}

/// Refuses a database whose schema is not the one that this program reads.
fn all_applied(migrations: &[Migration], applied: &[(i64, Vec<u8>)]) -> Result<(), StoreError> {
    match pending(migrations, applied)?.len() {
        0 => Ok(()),
        left => Err(StoreError::Migration(format!("the database lacks {left} migrations of this program; roborent migrate applies them"))),
    }
}

fn applied_to_sqlite(connection: &Connection) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let mut listed = connection.prepare(APPLIED)?;
    Ok(listed.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

async fn applied_to_postgres(client: &impl tokio_postgres::GenericClient) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    Ok(client.query(APPLIED, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Looks whether every migration was applied, without writing.
pub(crate) fn look_at_sqlite(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    all_applied(migrations, &applied_to_sqlite(connection)?)
}

/// Looks whether every migration was applied, without writing.
pub(crate) async fn look_at_postgres(url: &str, migrations: &[Migration]) -> Result<(), StoreError> {
    let (client, _) = pg_connect::connect(url).await?;
    all_applied(migrations, &applied_to_postgres(&client).await?)
}

pub(crate) fn sqlite(connection: &mut Connection, migrations: &[Migration], now: i64) -> Result<usize, StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(&render(CREATE, Dialect::Lite))?;
    let applied = applied_to_sqlite(&transaction)?;
    let pending = pending(migrations, &applied)?;
    for migration in pending {
        transaction
            .execute_batch(&render(migration.sql, Dialect::Lite))
            .map_err(|e| StoreError::Migration(format!("migration {} ({}): {e}", migration.number, migration.name)))?;
        transaction
            .execute("insert into migrations values (?1, ?2, ?3, ?4)", (migration.number, migration.name, checksum(migration), now))?;
    }
    transaction.commit()?;
    Ok(pending.len())
}

pub(crate) async fn postgres(url: &str, migrations: &[Migration], now: i64) -> Result<usize, StoreError> {
    let (mut client, _) = pg_connect::connect(url).await?;
    client.batch_execute("set statement_timeout = 0; set lock_timeout = 0").await?;
    let transaction = client.transaction().await?;
    // Nodes that start together wait for each other here.
    transaction.batch_execute("select pg_advisory_xact_lock(7230842401)").await?;
    transaction.batch_execute(&render(CREATE, Dialect::Postgres)).await?;
    let applied = applied_to_postgres(&transaction).await?;
    let pending = pending(migrations, &applied)?;
    for migration in pending {
        transaction
            .batch_execute(&render(migration.sql, Dialect::Postgres))
            .await
            .map_err(|e| StoreError::Migration(format!("migration {} ({}): {}", migration.number, migration.name, StoreError::from(e))))?;
        transaction
            .execute("insert into migrations values ($1, $2, $3, $4)", &[&migration.number, &migration.name, &checksum(migration), &now])
            .await?;
    }
    transaction.commit().await?;
    if !pending.is_empty() {
        // Fresh tables have no statistics, and plans made without them stay in the prepared statements.
        client.batch_execute("analyze").await?;
    }
    Ok(pending.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_written_out_for_each_engine() {
        let sql = "check (n > 0 or {kind one of 'a', 'b', 'c'}), -- {braces}";
        assert_eq!(render(sql, Dialect::Lite), "check (n > 0 or (kind = 'a' or kind = 'b' or kind = 'c')), -- {braces}\n");
        assert_eq!(render(sql, Dialect::Postgres), "check (n > 0 or kind in ('a', 'b', 'c')),\n");
    }
}
