//! The small things that pages are made of. Each is a template of its own that escapes what it shows; this is the one
//! file that says of a type that its text may stand in a page as it is.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::base::hundredths::Hundredths;
use crate::base::{Span, Ts, Usdt};

macro_rules! safe {
    ($($piece:ty),* $(,)?) => { $(impl HtmlSafe for $piece {})* };
}

safe!(Money, When, Badge, Field, Qr, Chart);

/// An amount, in tabular digits and always with its unit.
#[derive(Template)]
#[template(
    source = r#"<span class="money{% if signed && is_negative %} out{% endif %}{% if signed && !is_negative %} in{% endif %}">{% if signed && !is_negative %}+{% endif %}{{ amount }} <small>USDT</small></span>"#,
    ext = "html"
)]
pub struct Money {
    amount: Usdt,
    signed: bool,
    is_negative: bool,
}

/// An amount.
pub fn money(amount: &Usdt) -> Money {
    Money { amount: *amount, signed: false, is_negative: false }
}

/// An amount that came in or went out.
pub fn change(amount: &Usdt) -> Money {
    Money { amount: *amount, signed: true, is_negative: *amount < Usdt::ZERO }
}

/// A moment, in words and exactly.
#[derive(Template)]
#[template(source = r#"<time datetime="{{ at }}" title="{{ exact }} UTC">{{ words }}</time>"#, ext = "html")]
pub struct When {
    at: Ts,
    exact: String,
    words: String,
}

/// `at` as seen from `now`.
pub fn when(at: &Ts, now: &Ts) -> When {
    let text = at.to_string();
    let exact = text.get(..16).unwrap_or(&text).replace('T', " ");
    let (span, ahead) = if at > now { (at.since(*now), true) } else { (now.since(*at), false) };
    let words = match (span_words(span), ahead) {
        (None, _) => "just now".to_owned(),
        (Some(words), true) => format!("in {words}"),
        (Some(words), false) => format!("{words} ago"),
    };
    When { at: *at, exact, words }
}

fn span_words(span: Span) -> Option<String> {
    let minutes = span.as_milliseconds() / 60_000;
    let many = |n: i64, unit: &str| Some(if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") });
    match minutes {
        ..1 => None,
        1..90 => many(minutes, "minute"),
        90..2_880 => many((minutes + 30) / 60, "hour"),
        2_880..86_400 => many((minutes + 720) / 1_440, "day"),
        _ => many((minutes + 21_600) / 43_200, "month"),
    }
}

/// So many minutes, in words.
pub fn minutes(n: &i64) -> String {
    span_words(Span::minutes(*n)).unwrap_or_else(|| "a moment".into())
}

/// How often, in words.
pub fn times(n: &i64) -> String {
    match n {
        0 => "never".into(),
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{n} times"),
    }
}

/// A browser and its system, from what it says of itself; whatever else it is, as it says.
pub fn program(user_agent: &str) -> String {
    let known = |names: &[(&'static str, &'static str)]| names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    let browser = known(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = known(&[("Android", "Android"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => user_agent.chars().take(60).collect(),
    }
}

/// Where something stands, as a word in a colour.
#[derive(Template)]
#[template(source = r#"<span class="badge {{ tone }}">{{ words }}</span>"#, ext = "html")]
pub struct Badge {
    words: String,
    tone: &'static str,
}

/// A status word of the API as a badge.
pub fn badge(status: &str) -> Badge {
    let tone = match status {
        "open" | "approved" | "completed" | "active" | "credited" | "verified" | "delivered" | "confirmed" | "holds" => "good",
        "rejected" | "suspended" | "frozen" | "failed" | "given_up" | "needs_operator" | "refunded" | "disputed" => "bad",
        "in_review" | "submitted" | "changes_requested" | "closing" | "queued" | "sending" | "pending" | "seen" => "busy",
        _ => "calm",
    };
    Badge { words: words(status), tone }
}

/// A word of the API as people write it.
pub fn words(status: &str) -> String {
    let spaced = status.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A part of one as percent.
pub fn percent(part: &Hundredths) -> String {
    format!("{} %", part.0)
}

/// A number of percent, without decimals that say nothing.
pub fn plain(number: &Hundredths) -> String {
    let text = number.to_string();
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

/// A field of a form, with its label, what was typed, and what is wrong beside it.
#[derive(Template, Clone, Default)]
#[template(path = "web/pieces/field.html")]
pub struct Field {
    /// As in the form.
    pub name: &'static str,
    /// Above it.
    pub label: &'static str,
    /// `text`, `email`, `password`, `textarea`, `select` …
    pub kind: &'static str,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub error: String,
    /// Below it, always.
    pub hint: String,
    /// For password managers and phones.
    pub autocomplete: &'static str,
    /// Which keys a phone shows.
    pub inputmode: &'static str,
    /// It must be filled in.
    pub required: bool,
    /// It has the focus when the page opens.
    pub autofocus: bool,
    /// What a select offers: value and words.
    pub options: Vec<(String, String)>,
}

impl Field {
    /// Says more about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// It may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// For password managers.
    #[must_use]
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// Which keys a phone shows.
    #[must_use]
    pub fn keys(mut self, inputmode: &'static str) -> Self {
        self.inputmode = inputmode;
        self
    }

    /// Begins here.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.autofocus = true;
        self
    }

    /// A choice.
    #[must_use]
    pub fn options<V: Into<String>, W: Into<String>>(mut self, options: impl IntoIterator<Item = (V, W)>) -> Self {
        self.kind = "select";
        self.options = options.into_iter().map(|(value, words)| (value.into(), words.into())).collect();
        self
    }

    /// Something typed in place of nothing.
    #[must_use]
    pub fn or(mut self, value: &str) -> Self {
        if self.value.is_empty() {
            value.clone_into(&mut self.value);
        }
        self
    }
}

/// Bars, one for each day, with the same numbers as a table below.
#[derive(Template)]
#[template(path = "web/pieces/chart.html")]
pub struct Chart {
    title: &'static str,
    bars: Vec<Bar>,
    total: String,
}

struct Bar {
    x: i64,
    y: i64,
    height: i64,
    label: String,
    shown: String,
}

/// The height of the bars.
const CHART_HEIGHT: i64 = 90;

impl Chart {
    /// Of days, each with its number and how the number is written.
    pub fn new(title: &'static str, days: &[(Ts, i64, String)], total: String) -> Self {
        let most = days.iter().map(|(_, n, _)| *n).max().unwrap_or(0).max(1);
        let bar = |(at, (day, n, shown)): (usize, &(Ts, i64, String))| {
            let height = i64::try_from(i128::from(*n) * i128::from(CHART_HEIGHT) / i128::from(most)).unwrap_or(0).max(i64::from(*n > 0));
            let label = day.to_string().get(5..10).unwrap_or_default().to_owned();
            Bar { x: i64::try_from(at).unwrap_or(0) * 12, y: CHART_HEIGHT - height, height, label, shown: shown.clone() }
        };
        Self { title, bars: days.iter().enumerate().map(bar).collect(), total }
    }
}

/// A QR code, whose text stands beside it.
pub struct Qr(String);

impl Qr {
    /// Of a text.
    pub fn of(text: &str) -> crate::base::Result<Self> {
        crate::doors::qr::svg(text).map(Self)
    }

    /// Made before, by [`crate::doors::qr`].
    pub fn drawn(svg: String) -> Self {
        Self(svg)
    }
}

impl std::fmt::Display for Qr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_escape_what_they_show() {
        let field = Field { name: "a", label: "A", kind: "text", value: "\"><script>".into(), error: "<b>".into(), ..Field::default() };
        let html = field.to_string();
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(!badge("<script>").to_string().contains("<script>"));
    }

    #[test]
    fn moments_are_told_in_words() {
        let now = Ts::from_milliseconds(1_795_000_000_000);
        for (minutes, words) in [(0, "just now"), (5, "in 5 minutes"), (-1, "1 minute ago"), (120, "in 2 hours"), (-4_320, "3 days ago")] {
            assert!(when(&now.plus(Span::minutes(minutes)), &now).to_string().contains(words), "{minutes}");
        }
    }
}
