//! Moving a database to a file and back: nothing is lost on the way, and what is not whole is refused.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use store::{EngineSettings, Migration, StoreError, export, import};
use tempfile::TempDir;

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "things",
        sql: "create table things (id {uuid} primary key, name {text} not null, size {int}, open {bool} not null, data {bytes}) {table};\n\
              create table pairs (a {text} not null, b {int} not null, note {text}, primary key (b, a)) {narrow};\n\
              create table \"odd \"\"name\" (x {int}, y {text}) {table};\n\
              create table empty (n {int} primary key) {table};",
    },
    Migration {
        number: 2,
        name: "fixed",
        sql: "create table fixed (id {int} primary key, owner {text} not null, total {int} not null) {table};\n\
              insert into fixed values (1, 'house', 0), (2, 'street', 0);\n\
              {sqlite}\n\
              create trigger fixed_stays before delete on fixed begin select raise(abort, 'fixed rows stay'); end;\n\
              create trigger fixed_owner before update of id, owner on fixed begin select raise(abort, 'the owner stays'); end;\n\
              {postgres}\n\
              create function stays() returns trigger language plpgsql as $$ begin raise exception 'fixed rows stay'; end $$;\n\
              create trigger stays before delete or truncate on fixed for each statement execute function stays();\n\
              create trigger owner before update of id, owner on fixed for each statement execute function stays();\n\
              {end}\n",
    },
];

const ROWS: &str = "
    insert into things values (x'0190a6b0000070008000000000000002', 'two \"quoted\" \\ back', -9223372036854775808, 1, x''),
                              (x'0190a6b0000070008000000000000001', 'line' || char(10) || 'tab' || char(9) || 'Ünï😀', 9223372036854775807, 0, x'00ff10'),
                              (x'ff90a6b0000070008000000000000001', '', null, 0, null);
    insert into pairs values ('b', 1, null), ('Z', 1, 'upper case first'), ('a', 2, ''), ('a', -5, 'x');
    insert into \"odd \"\"name\" values (2, 'b'), (1, 'b'), (null, 'c'), (1, null), (1, 'a'), (1, 'a');
    insert into fixed values (3, 'garden', 7);
    update fixed set total = 41 where id = 1;";

fn lite(dir: &TempDir, name: &str) -> EngineSettings {
    EngineSettings::sqlite(dir.path().join(name))
}

fn look(dir: &TempDir, name: &str) -> Connection {
    Connection::open(dir.path().join(name)).expect("opens")
}

fn out_of(engine: &EngineSettings) -> Vec<u8> {
    let mut file = Vec::new();
    export(engine, &mut file).expect("exported");
    file
}

fn into(engine: &EngineSettings, file: &[u8]) -> Result<store::Summary, StoreError> {
    import(engine, MIGRATIONS, 5, &mut &file[..])
}

/// A database with rows of every kind, and its file.
fn filled(dir: &TempDir) -> (EngineSettings, Vec<u8>) {
    let engine = lite(dir, "first.sqlite");
    store::migrate(&engine, MIGRATIONS, 1).expect("migrated");
    look(dir, "first.sqlite").execute_batch(ROWS).expect("filled");
    let file = out_of(&engine);
    (engine, file)
}

fn complaint(result: Result<store::Summary, StoreError>) -> String {
    let text = result.expect_err("refused").to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

#[test]
fn a_file_fills_a_database_that_gives_the_same_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, file) = filled(&dir);
    let second = lite(&dir, "second.sqlite");
    let summary = into(&second, &file).expect("imported");
    let counts: Vec<(&str, u64)> = summary.rows.iter().map(|(table, rows)| (table.as_str(), *rows)).collect();
    assert_eq!(counts, [("empty", 0), ("fixed", 3), ("odd \"name", 6), ("pairs", 4), ("things", 3)]);
    assert_eq!(out_of(&second), file);
}

#[test]
fn the_file_is_what_its_description_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = String::from_utf8(filled(&dir).1).expect("text");
    assert!(
        text.starts_with("{\"format\":\"roborent-export\",\"version\":1,\"migrations\":[{\"number\":1,\"name\":\"things\",\"checksum\":\"")
    );
    let things = text.split("{\"table\":\"things\",").nth(1).expect("the table");
    let expected = "\"columns\":[\"id\",\"name\",\"size\",\"open\",\"data\"]}\n\
        [{\"x\":\"0190a6b0000070008000000000000001\"},\"line\\ntab\\tÜnï😀\",9223372036854775807,0,{\"x\":\"00ff10\"}]\n\
        [{\"x\":\"0190a6b0000070008000000000000002\"},\"two \\\"quoted\\\" \\\\ back\",-9223372036854775808,1,{\"x\":\"\"}]\n\
        [{\"x\":\"ff90a6b0000070008000000000000001\"},\"\",null,0,null]\n\
        {\"end\":true,\"rows\":{\"empty\":0,\"fixed\":3,\"odd \\\"name\":6,\"pairs\":4,\"things\":3},\"sha256\":\"";
    assert!(things.starts_with(expected), "{things}");
    let pairs = text.split("{\"table\":\"pairs\",").nth(1).expect("the table");
    assert!(
        pairs.starts_with("\"columns\":[\"a\",\"b\",\"note\"]}\n[\"a\",-5,\"x\"]\n[\"Z\",1,\"upper case first\"]\n[\"b\",1,null]\n"),
        "{pairs}"
    );
    let odd = text.split("{\"table\":\"odd \\\"name\",").nth(1).expect("the table");
    assert!(odd.starts_with("\"columns\":[\"x\",\"y\"]}\n[null,\"c\"]\n[1,null]\n[1,\"a\"]\n[1,\"a\"]\n[1,\"b\"]\n[2,\"b\"]\n"), "{odd}");
}

#[test]
fn rows_of_the_migrations_change_only_where_they_differ() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, file) = filled(&dir);
    into(&lite(&dir, "second.sqlite"), &file).expect("imported, although the owner may not be written");
    let total: i64 = look(&dir, "second.sqlite").query_row("select total from fixed where id = 1", [], |row| row.get(0)).expect("a row");
    assert_eq!(total, 41);

    let text = String::from_utf8(file).expect("text").replace("[2,\"street\",0]\n", "");
    assert!(complaint(into(&lite(&dir, "third.sqlite"), text.as_bytes())).contains("table fixed: the file lacks a row"));
}

#[test]
fn every_cut_and_every_changed_byte_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, file) = filled(&dir);
    let target = lite(&dir, "target.sqlite");
    store::migrate(&target, MIGRATIONS, 1).expect("migrated");
    let pristine = out_of(&target);
    for length in (0..file.len()).step_by(13).chain([file.len() - 1]) {
        assert!(complaint(into(&target, &file[..length])).contains("cut"));
    }
    for place in (0..file.len()).step_by(3) {
        let mut changed = file.clone();
        changed[place] ^= 1;
        complaint(into(&target, &changed));
    }
    complaint(into(&target, &[file.clone(), b"\n".to_vec()].concat()));
    assert_eq!(out_of(&target), pristine);
    into(&target, &file).expect("the whole file is taken");
}

#[test]
fn a_file_of_another_version_is_refused_before_the_target_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = String::from_utf8(filled(&dir).1).expect("text");
    let target = lite(&dir, "target.sqlite");
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    assert!(complaint(into(&target, newer.as_bytes())).contains("version 2 of the format"));
    assert!(complaint(into(&target, b"{\"format\":\"other\"}\n")).contains("no export"));
    let older = import(&target, &MIGRATIONS[..1], 5, &mut text.as_bytes());
    assert!(complaint(older).contains("the file has 2 migrations, this program 1"));
    let other = [MIGRATIONS[0], Migration { number: 2, name: "fixed", sql: "select 1;" }];
    assert!(complaint(import(&target, &other, 5, &mut text.as_bytes())).contains("migration 2 (fixed) of the file is not the one"));
    assert!(!dir.path().join("target.sqlite").exists());
}

#[test]
fn a_database_in_use_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, file) = filled(&dir);
    assert!(complaint(into(&first, &file)).contains("table fixed holds rows of its own"));
    assert_eq!(out_of(&first), file);

    // One that is older stays older.
    let old = lite(&dir, "old.sqlite");
    store::migrate(&old, &MIGRATIONS[..1], 1).expect("migrated");
    look(&dir, "old.sqlite").execute_batch("insert into pairs values ('a', 1, null)").expect("a row");
    assert!(complaint(into(&old, &file)).contains("table pairs holds rows of its own"));
    assert_eq!(migrations_in(&dir.path().join("old.sqlite")), 1);

    // An older one without rows is brought up to date and filled.
    look(&dir, "old.sqlite").execute_batch("delete from pairs").expect("emptied");
    into(&old, &file).expect("imported");
    assert_eq!(out_of(&old), file);
}

fn migrations_in(path: &Path) -> i64 {
    Connection::open(path).expect("opens").query_row("select count(*) from migrations", [], |row| row.get(0)).expect("counted")
}

#[test]
fn an_export_is_one_moment_beside_a_writer() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, file) = filled(&dir);
    let writer = look(&dir, "first.sqlite");
    writer
        .execute_batch(
            "begin immediate; insert into empty values (1); insert into things select x'00', name, 1, 0, null from things limit 1",
        )
        .expect("writes");
    assert_eq!(out_of(&first), file);
    writer.execute_batch("commit").expect("committed");
    assert_ne!(out_of(&first), file);
}

#[test]
fn a_database_that_was_never_migrated_is_not_exported() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(look(&dir, "nothing.sqlite"));
    assert!(complaint(export(&lite(&dir, "nothing.sqlite"), &mut Vec::new())).contains("never migrated"));
    assert!(matches!(export(&lite(&dir, "missing.sqlite"), &mut Vec::new()), Err(StoreError::Unavailable(_))));
    assert!(!dir.path().join("missing.sqlite").exists());
}

#[test]
fn both_engines_give_the_same_file() {
    let Some(server) = postgres() else {
        println!("SKIPPED postgres");
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let (first, file) = filled(&dir);
    let database = Database::create(&server);
    let there = EngineSettings::postgres(&database.url);
    assert!(complaint(export(&there, &mut Vec::new())).contains("never migrated"));
    complaint(into(&there, &file[..file.len() - 30]));
    let text = String::from_utf8(file.clone()).expect("text");
    assert!(
        complaint(into(&there, text.replace(",0,{\"x\":\"00ff10\"}", ",2,{\"x\":\"00ff10\"}").as_bytes()))
            .contains("column open: expected")
    );
    complaint(into(&there, text.replace("two", "Two").as_bytes()));
    complaint(into(&there, text.replace("[2,\"street\",0]", "[2,\"stress\",0]").as_bytes()));
    into(&there, &file).expect("nothing of the refused files is there");
    assert_eq!(out_of(&there), file);
    assert!(complaint(into(&there, &file)).contains("table fixed holds rows of its own"));

    let back = lite(&dir, "back.sqlite");
    into(&back, &out_of(&there)).expect("imported");
    assert_eq!(out_of(&back), out_of(&first));
}

#[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
fn postgres() -> Option<String> {
    let server = std::env::var("ROBORENT_TEST_POSTGRES_URL").ok();
    let must = std::env::var("ROBORENT_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(server.is_some() || !must, "ROBORENT_TEST_POSTGRES_URL is not set");
    server
}

/// A database of its own, dropped at the end.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    fn create(server: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("transfer_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        run(server, &format!("create database {name}"));
        let (base, _) = server.rsplit_once('/').expect("a URL with a database");
        Self { server: server.to_owned(), url: format!("{base}/{name}"), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        run(&self.server, &format!("drop database {} with (force)", self.name));
    }
}

fn run(server: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.expect("the test server answers");
        tokio::spawn(connection);
        client.batch_execute(sql).await.expect("done");
    });
}
