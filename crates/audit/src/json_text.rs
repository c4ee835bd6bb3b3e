//! Reads a JSON object as far as the auditor needs it: the texts, numbers and truths of its first level. What stands
//! deeper is only looked at for its form.

/// As deep as anything may be nested.
const DEPTH_MAX: usize = 64;

/// The fields of an object in the order in which they are written.
pub(crate) struct Object(Vec<(String, Scalar)>);

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    /// A number, `true` or `false` as it is written.
    Plain(String),
    /// Null, a list or an object.
    Other,
}

impl Object {
    /// None if it is not an object, or if a name occurs twice.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut cursor = Cursor { rest: text };
        let object = cursor.object(0)?;
        cursor.skip();
        let distinct = |(n, (name, _)): (usize, &(String, Scalar))| !object[..n].iter().any(|(earlier, _)| earlier == name);
        (cursor.rest.is_empty() && object.iter().enumerate().all(distinct)).then_some(Self(object))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Scalar::Text(text) => Some(text),
            Scalar::Plain(_) | Scalar::Other => None,
        }
    }

    /// A number or a truth, as it is written.
    pub(crate) fn plain(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Scalar::Plain(plain) => Some(plain),
            Scalar::Text(_) | Scalar::Other => None,
        }
    }

    fn field(&self, name: &str) -> Option<&Scalar> {
        self.0.iter().find_map(|(known, value)| (known == name).then_some(value))
    }
}

/// Whole numbers in a list, such as `[1,2]`.
pub(crate) fn numbers(text: &str) -> Option<Vec<i64>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|number| number.trim().parse().ok()).collect()
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Whether `mark` comes next; if so it is passed.
    fn take(&mut self, mark: char) -> bool {
        self.skip();
        self.rest.strip_prefix(mark).map(|rest| self.rest = rest).is_some()
    }

    fn object(&mut self, depth: usize) -> Option<Vec<(String, Scalar)>> {
        let mut fields = Vec::new();
        if depth > DEPTH_MAX || !self.take('{') {
            return None;
        }
        if self.take('}') {
            return Some(fields);
        }
        loop {
            self.skip();
            let name = self.string()?;
            if !self.take(':') {
                return None;
            }
            fields.push((name, self.value(depth + 1)?));
            if !self.take(',') {
                return self.take('}').then_some(fields);
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX || !self.take('[') {
            return None;
        }
        if self.take(']') {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if !self.take(',') {
                return self.take(']').then_some(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Scalar> {
        self.skip();
        match self.rest.chars().next()? {
            '"' => self.string().map(Scalar::Text),
            '{' => self.object(depth).map(|_| Scalar::Other),
            '[' => self.list(depth).map(|()| Scalar::Other),
            _ => {
                let end = self.rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                let number =
                    word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && word.bytes().all(|b| b"+-.eE0123456789".contains(&b));
                match word {
                    "null" => Some(Scalar::Other),
                    "true" | "false" => Some(Scalar::Plain(word.to_owned())),
                    _ => number.then(|| Scalar::Plain(word.to_owned())),
                }
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        self.rest = self.rest.strip_prefix('"')?;
        loop {
            let c = self.next()?;
            match c {
                '"' => return Some(text),
                '\\' => {
                    let escaped = self.next()?;
                    text.push(match escaped {
                        '"' | '\\' | '/' => escaped,
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => self.unicode()?,
                        _ => return None,
                    });
                }
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn hex(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }

    fn unicode(&mut self) -> Option<char> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let low = self.hex()?;
        (0xdc00..0xe000).contains(&low).then(|| char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_of_an_object_is_read() {
        let text = r#" {"a":"b\"\\\/\n\u00e4\ud83d\ude00","n":-1.5,"yes":true,"deep":{"x":[1,{"y":"}"}],"z":null},"none":null,"list":[]} "#;
        let object = Object::read(text).expect("an object");
        assert_eq!(object.text("a"), Some("b\"\\/\nä😀"));
        assert_eq!((object.plain("n"), object.plain("yes"), object.plain("none")), (Some("-1.5"), Some("true"), None));
        assert_eq!((object.text("n"), object.text("x"), object.text("deep")), (None, None, None));
        assert!(Object::read("{}").is_some());
    }

    #[test]
    fn what_is_no_object_is_none() {
        let deep = "[".repeat(1000);
        for text in
            ["", "1", "[]", "{", "{}}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, r#"{"a":1 "b":2}"#, r#"{"a":"\x"}"#, r#"{"a":"\ud800"}"#]
                .into_iter()
                .chain([r#"{"a":wrong}"#, r#"{"a":1,"a":1}"#, "{\"a\":\"\n\"}", &format!("{{\"a\":{deep}")])
        {
            assert!(Object::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn lists_of_whole_numbers_are_read() {
        assert_eq!(numbers("[1, -2,3]"), Some(vec![1, -2, 3]));
        assert_eq!((numbers("[]"), numbers("[1,]"), numbers("1")), (Some(Vec::new()), None, None));
    }
}
