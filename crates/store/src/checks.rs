//! The checks of a table as one function. PostgreSQL parses the stored form of each check again in every statement that
//! writes to the table, which costs more than to look whether it holds; the body of a function is kept by the connection.

/// Rewrites each `create table` that has more than a plain check; everything else stays as it is.
pub(crate) fn folded(sql: &str) -> String {
    const TABLE: &str = "create table ";
    let (mut written, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some((before, from)) = rest.split_once(TABLE)
        && let Some((head, from)) = from.split_once('(')
        && let Some(end) = closing(from)
    {
        written += before;
        written += &table(head.trim(), &from[..end]).unwrap_or_else(|| format!("{TABLE}{head}({})", &from[..end]));
        rest = &from[end + 1..];
    }
    written + rest
}

/// One table with its checks folded; nothing when that is not worth a function.
fn table(name: &str, body: &str) -> Option<String> {
    let (mut columns, mut kept, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for item in items(body) {
        let (definition, check) = item.split_once("check (").map_or((item, None), |(definition, check)| (definition.trim(), Some(check)));
        if let Some(check) = check {
            checks.push(&check[..closing(check)?]);
        }
        if let Some((column, rest)) = definition.split_once(' ') {
            columns.push((column, rest.trim_start().split(' ').next()?));
        }
        if !definition.is_empty() {
            kept.push(definition);
        }
    }
    if checks.is_empty() || (checks.len() == 1 && !checks[0].contains(" in (")) {
        return None;
    }
    let words: Vec<&str> = checks.iter().flat_map(|check| words(check)).collect();
    columns.retain(|(column, _)| words.contains(column));
    let list = |each: fn(&(&str, &str)) -> String| columns.iter().map(each).collect::<Vec<_>>().join(", ");
    let (takes, given) = (list(|(column, kind)| format!("{column} {kind}")), list(|(column, _)| (*column).to_owned()));
    let (kept, all) = (kept.join(",\n    "), checks.join(") and ("));
    Some(format!(
        "create function {name}_holds({takes}) returns boolean immutable parallel safe language plpgsql as $$ begin return ({all}); end $$;\n\
         create table {name} (\n    {kept},\n    constraint {name}_holds check ({name}_holds({given}))\n)"
    ))
}

/// What the commas of a list part, trimmed.
fn items(list: &str) -> Vec<&str> {
    let mut ends: Vec<usize> = outside(list).filter(|(_, depth, c)| (*depth, *c) == (0, ',')).map(|(at, ..)| at).collect();
    ends.push(list.len());
    let mut start = 0;
    ends.into_iter().map(|end| list[std::mem::replace(&mut start, end + 1)..end].trim()).collect()
}

/// Where the parenthesis closes that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    outside(text).find(|(_, depth, c)| (*depth, *c) == (-1, ')')).map(|(at, ..)| at)
}

/// The words of an expression that are no values.
fn words(expression: &str) -> Vec<&str> {
    let unquoted = expression.split('\'').step_by(2);
    unquoted.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).filter(|word| !word.is_empty()).collect()
}

/// Each character outside of quotes, with how many parentheses are open after it.
fn outside(text: &str) -> impl Iterator<Item = (usize, i32, char)> + '_ {
    let (mut depth, mut quoted) = (0, false);
    text.char_indices().filter_map(move |(at, c)| {
        quoted ^= c == '\'';
        depth += i32::from(c == '(' && !quoted) - i32::from(c == ')' && !quoted);
        (!quoted).then_some((at, depth, c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_of_a_table_become_one() {
        let sql = "create table t (\n    id bigint primary key check (id > 0),\n    kind text collate \"C\" not null check (kind in ('a', 'b(')),\n    \
                   other text,\n    check (kind = 'a' or id = 1)\n) ;\ncreate index i on t (id);\n";
        assert_eq!(
            folded(sql),
            "create function t_holds(id bigint, kind text) returns boolean immutable parallel safe language plpgsql as \
             $$ begin return (id > 0) and (kind in ('a', 'b(')) and (kind = 'a' or id = 1); end $$;\n\
             create table t (\n    id bigint primary key,\n    kind text collate \"C\" not null,\n    other text,\n    \
             constraint t_holds check (t_holds(id, kind))\n) ;\ncreate index i on t (id);\n"
        );
    }

    #[test]
    fn a_plain_check_stays() {
        let sql = "create table t (\n    n bigint not null check (n > 0)\n) ;\ninsert into t values (1);\n";
        assert_eq!(folded(sql), sql);
    }
}
