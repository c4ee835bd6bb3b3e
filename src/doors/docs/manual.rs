//! A manual of the repository as a page of the site: read from its Markdown, as far as these manuals use it, into parts that
//! a template draws and escapes.

use askama::Template;

use crate::doors::docs::guide::your_key;
use crate::doors::web::{Chrome, Visitor, pieces};

const WEBHOOKS: &str = include_str!("../../../docs/webhooks.md");

/// A manual.
#[derive(Template)]
#[template(path = "docs_manual.html")]
pub struct Manual {
    chrome: Chrome,
    tab: &'static str,
    blocks: Vec<Block>,
}

#[derive(Debug, PartialEq)]
enum Block {
    /// With the id that leads to it.
    Heading(String, String),
    Paragraph(Line),
    List(Vec<Line>),
    Code(String),
    Table(Vec<Line>, Vec<Vec<Line>>),
}

type Line = Vec<Piece>;

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Code(String),
    Strong(String),
    Link(String, String),
}

/// How webhooks work, for this installation.
pub fn webhooks(visitor: &Visitor) -> Manual {
    let text = WEBHOOKS.replace("http://127.0.0.1:8080", &visitor.app.public_url).replace("rr_test_YOUR_KEY", your_key(&visitor.app));
    Manual { chrome: Chrome::new(visitor, "docs", "Webhooks"), tab: "webhooks", blocks: read(&text) }
}

impl Manual {
    fn headings(&self) -> Vec<(&str, &str)> {
        let mut headings = Vec::new();
        for block in &self.blocks {
            if let Block::Heading(id, text) = block {
                headings.push((id.as_str(), text.as_str()));
            }
        }
        headings
    }
}

fn read(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        // What goes on in the next lines, while they belong to it.
        let mut rest = |belongs: &dyn Fn(&str) -> bool| {
            let mut rest = Vec::new();
            while let Some(line) = lines.next_if(|line| belongs(line)) {
                rest.push(line);
            }
            rest
        };
        if line.trim().is_empty() || line.starts_with("# ") {
        } else if let Some(title) = line.strip_prefix("## ") {
            let id = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            blocks.push(Block::Heading(id, title.to_owned()));
        } else if line.starts_with("```") {
            blocks.push(Block::Code(rest(&|line| line != "```").join("\n")));
            lines.next();
        } else if let Some(first) = line.strip_prefix("    ") {
            let more = rest(&|line| line.is_empty() || line.starts_with("    "));
            let code = more.iter().map(|line| line.strip_prefix("    ").unwrap_or_default());
            blocks.push(Block::Code(std::iter::once(first).chain(code).collect::<Vec<_>>().join("\n").trim_end().to_owned()));
        } else if line.starts_with('|') {
            let rows = rest(&|line| line.starts_with('|'));
            blocks.push(Block::Table(cells(line), rows.iter().skip(1).map(|row| cells(row)).collect()));
        } else if line.starts_with("- ") {
            let items = std::iter::once(line).chain(rest(&|line| line.starts_with("- ") || line.starts_with("  ")));
            let joined = items.fold(String::new(), |all, line| match line.strip_prefix("- ") {
                Some(item) => format!("{all}\n{item}"),
                None => format!("{all} {}", line.trim()),
            });
            blocks.push(Block::List(joined.trim().lines().map(pieces_of).collect()));
        } else {
            let more = rest(&|line| !line.is_empty() && !line.starts_with(['|', '#', '`']) && !line.starts_with("- "));
            blocks.push(Block::Paragraph(pieces_of(&std::iter::once(line).chain(more).collect::<Vec<_>>().join(" "))));
        }
    }
    blocks
}

fn cells(row: &str) -> Vec<Line> {
    row.trim_matches('|').split('|').map(|cell| pieces_of(cell.trim())).collect()
}

fn pieces_of(text: &str) -> Line {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, marked) = rest.split_at(at);
        let found = if let Some(inner) = marked.strip_prefix("**") {
            inner.split_once("**").map(|(text, after)| (Piece::Strong(text.to_owned()), after))
        } else if let Some(inner) = marked.strip_prefix('`') {
            inner.split_once('`').map(|(text, after)| (Piece::Code(text.to_owned()), after))
        } else {
            let link = marked.strip_prefix('[').and_then(|inner| inner.split_once("]("));
            link.and_then(|(text, inner)| inner.split_once(')').map(|(to, after)| (Piece::Link(text.to_owned(), to.to_owned()), after)))
        };
        let Some((piece, after)) = found else { break };
        pieces.extend([Piece::Text(before.to_owned()), piece]);
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_manuals_use_is_understood() {
        let text = "# Title\n\nOne `two` **three**\nfour [five](https://a.b/).\n\n## A heading\n\n    code\n\n      more\n\n- first\n  goes on\n- second\n\n\
                    | a | `b` |\n|---|---|\n| 1 | 2 |\n\n```sh\nx | y\n```\n";
        let text_of = |text: &str| Piece::Text(text.to_owned());
        let read = read(text);
        let first = vec![
            text_of("One "),
            Piece::Code("two".into()),
            text_of(" "),
            Piece::Strong("three".into()),
            text_of(" four "),
            Piece::Link("five".into(), "https://a.b/".into()),
            text_of("."),
        ];
        assert_eq!(read[0], Block::Paragraph(first));
        assert_eq!(read[1], Block::Heading("a-heading".into(), "A heading".into()));
        assert_eq!(read[2], Block::Code("code\n\n  more".into()));
        assert_eq!(read[3], Block::List(vec![vec![text_of("first goes on")], vec![text_of("second")]]));
        let row = vec![vec![text_of("1")], vec![text_of("2")]];
        assert_eq!(read[4], Block::Table(vec![vec![text_of("a")], vec![Piece::Code("b".into())]], vec![row]));
        assert_eq!(read[5..], [Block::Code("x | y".into())]);
    }

    #[test]
    fn nothing_of_the_manuals_stays_a_mark() {
        let plain = |line: &Line| {
            line.iter().all(|piece| match piece {
                Piece::Text(text) => !text.contains(['`', '[', '|', '#']) && !text.contains("**"),
                Piece::Code(text) | Piece::Strong(text) => !text.is_empty(),
                Piece::Link(text, to) => !text.is_empty() && to.starts_with("https://"),
            })
        };
        let blocks = read(WEBHOOKS);
        assert!(blocks.len() > 20);
        for block in &blocks {
            let is_plain = match block {
                Block::Heading(id, text) => !id.is_empty() && !text.is_empty(),
                Block::Code(text) => !text.contains("```"),
                Block::Paragraph(line) => plain(line),
                Block::List(lines) => lines.iter().all(plain),
                Block::Table(head, rows) => {
                    head.iter().all(plain) && rows.iter().all(|row| row.len() == head.len() && row.iter().all(plain))
                }
            };
            assert!(is_plain, "{block:?}");
        }
    }
}
