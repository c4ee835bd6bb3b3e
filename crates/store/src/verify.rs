//! Prepares statements on an engine and compares their types with the Rust types: the test of all statements.

use std::path::Path;

use tokio_postgres::types::Type;

use crate::error::StoreError;
use crate::lite;
use crate::postgres::Postgres;
use crate::statement::AnyStatement;
use crate::value::Kind;
use crate::{EngineSettings, on_a_thread};

/// Prepares every statement on a migrated database; answers what does not fit, one line each. Blocks.
///
/// # Errors
/// When the database cannot be opened.
pub fn verify(engine: &EngineSettings, statements: &[&'static dyn AnyStatement]) -> Result<Vec<String>, StoreError> {
    match engine {
        EngineSettings::Sqlite { path, .. } => {
            let connection = lite::open_writer(path)?;
            Ok(statements.iter().filter_map(|s| sqlite(&connection, *s).err()).collect())
        }
        EngineSettings::Postgres { url, .. } => on_a_thread(|| {
            let mut connection = Postgres::connect(url)?;
            Ok(statements.iter().filter_map(|s| postgres(&mut connection, *s).err()).collect())
        }),
    }
}

/// The statements whose plan on SQLite reads a whole table or index, one line each. Blocks.
///
/// # Errors
/// When the database cannot be opened or a statement does not fit it.
pub fn full_scans(path: &Path, statements: &[&dyn AnyStatement]) -> Result<Vec<String>, StoreError> {
    let connection = lite::open_writer(path)?;
    let mut found = Vec::new();
    for statement in statements {
        let raw = statement.raw();
        let mut plan = connection.prepare(&format!("explain query plan {}", raw.lite()))?;
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next()? {
            let step: String = row.get("detail")?;
            if step.starts_with("SCAN") && !step.contains("CONSTANT ROW") {
                found.push(format!("{step}: {}", raw.sql));
            }
        }
    }
    Ok(found)
}

/// The statements for which SQLite builds a table of its own each time they run, one line each: for sorting, or for a
/// list of values, also of a CHECK. Blocks.
///
/// # Errors
/// When the database cannot be opened or a statement does not fit it.
pub fn temporary_tables(path: &Path, statements: &[&dyn AnyStatement]) -> Result<Vec<String>, StoreError> {
    let connection = lite::open_writer(path)?;
    let mut found = Vec::new();
    for statement in statements {
        let raw = statement.raw();
        let mut program = connection.prepare(&format!("explain {}", raw.lite()))?;
        let mut rows = program.raw_query();
        while let Some(row) = rows.next()? {
            let step: String = row.get("opcode")?;
            if ["OpenEphemeral", "OpenAutoindex", "SorterOpen"].contains(&step.as_str()) {
                found.push(raw.sql.to_owned());
                break;
            }
        }
    }
    Ok(found)
}

fn sqlite(connection: &rusqlite::Connection, statement: &dyn AnyStatement) -> Result<(), String> {
    let raw = statement.raw();
    let complain = |what: String| format!("SQLite: {what}: {}", raw.sql);
    let prepared = connection.prepare(&raw.lite()).map_err(|e| complain(e.to_string()))?;
    let (wanted, found) = (raw.kinds.len(), prepared.parameter_count());
    if wanted != found {
        return Err(complain(format!("{wanted} parameters in Rust, {found} in SQL")));
    }
    let columns: Vec<_> = prepared.columns().collect();
    let kinds = statement.columns();
    if columns.len() != kinds.len() {
        return Err(complain(format!("{} columns in Rust, {} in SQL", kinds.len(), columns.len())));
    }
    for (column, (kind, _)) in columns.into_iter().zip(kinds) {
        let declared = column.decl_type().map(str::to_ascii_lowercase);
        let fits = match kind {
            Kind::Int | Kind::Bool => "integer",
            Kind::Text => "text",
            Kind::Bytes | Kind::Uuid => "blob",
        };
        if declared.as_deref().is_some_and(|d| d != fits) {
            return Err(complain(format!("column {} is {declared:?}, Rust reads {kind:?}", column.name())));
        }
    }
    Ok(())
}

fn postgres(connection: &mut Postgres, statement: &'static dyn AnyStatement) -> Result<(), String> {
    let raw = statement.raw();
    let complain = |what: String| format!("PostgreSQL: {what}: {}", raw.sql);
    let (params, columns) = connection.describe(raw).map_err(|e| complain(e.to_string()))?;
    let wanted: Vec<Type> = raw.kinds.iter().map(|k| k.postgres()).collect();
    if params != wanted {
        return Err(complain(format!("parameters are {params:?}, Rust binds {wanted:?}")));
    }
    if statement.columns().is_empty() && !raw.is_write() {
        return Err(complain("it answers nothing and is no write whose rows can be counted".into()));
    }
    let wanted: Vec<Type> = statement.columns().iter().map(|(k, _)| k.postgres()).collect();
    if columns != wanted {
        return Err(complain(format!("columns are {columns:?}, Rust reads {wanted:?}")));
    }
    Ok(())
}
