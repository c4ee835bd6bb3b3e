//! The site: sessions in cookies, what other sites must not reach, what users write and others read.

use roborent::base::{Span, config::Network};
use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};
use serde_json::{Value, json};

use crate::corpus::{corpus, pieces};

pub const PASSWORD: &str = "correct horse battery";

/// As browsers send it.
fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A form that stands on the page at its own address, as browsers send it.
pub async fn post(app: &TestApp, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answered {
    let ask = app.post(path).header("content-type", "application/x-www-form-urlencoded").header("sec-fetch-site", "same-origin");
    let page = format!("http://127.0.0.1:8080{path}");
    ask.header("referer", &page).header("cookie", cookie).body(form(fields)).send().await
}

pub async fn page(app: &TestApp, path: &str, cookie: &str) -> Answered {
    app.get(path).header("accept", "text/html").header("cookie", cookie).send().await
}

/// The cookie that an answer gives, as a browser sends it back.
pub fn cookie_of(answer: &Answered) -> String {
    let lines = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let line = lines.into_iter().find(|line| line.contains("rr_session=")).unwrap_or_default();
    line.split(';').next().unwrap_or_default().to_owned()
}

pub async fn join(app: &TestApp, email: &str) -> String {
    let answer = post(app, "/signup", "", &[("email", email), ("password", PASSWORD), ("name", "Ann")]).await.expect(303);
    assert_eq!(answer.header("location"), Some("/dashboard"));
    cookie_of(&answer)
}

fn text(answer: &Answered) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

on_both_engines! {
    async fn a_session_is_a_cookie_of_this_site_alone(app) {
        let answer = post(app, "/signup", "", &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303);
        let line = answer.header("set-cookie").unwrap();
        for flag in ["rr_session=", "Path=/", "HttpOnly", "SameSite=Lax"] {
            assert!(line.contains(flag), "{line}");
        }
        let cookie = cookie_of(&answer);
        let shown = page(app, "/dashboard", &cookie).await.expect(200);
        assert_eq!(shown.header("cache-control"), Some("no-store"));
        assert!(shown.header("access-control-allow-origin").is_none());
        // The cookie is for pages: the API does not know it.
        assert_eq!(app.get("/api/v1/finance/balance").header("cookie", &cookie).send().await.expect(401).code(), "authentication_required");
        assert_eq!(app.get("/auth/v1/user").header("cookie", &cookie).send().await.status, 401);
        // And the API sets none.
        assert!(app.sign_in("a@example.com", PASSWORD).await.expect(200).header("set-cookie").is_none());
        // Sign-out ends it on the server.
        let out = post(app, "/logout", &cookie, &[]).await.expect(303);
        assert!(out.header("clear-site-data").is_some());
        assert_eq!(page(app, "/dashboard", &cookie).await.expect(303).header("location"), Some("/login?next=%2Fdashboard"));
    }

    async fn with_tls_the_cookie_is_bound_to_the_host(app, |config| config.server.public_url = "https://market.example".into()) {
        let answer = post(app, "/signup", "", &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303);
        let line = answer.header("set-cookie").unwrap();
        assert!(line.starts_with("__Host-rr_session=") && line.contains("; Secure") && !line.contains("Domain"), "{line}");
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
        assert_eq!(page(app, "/dashboard", &cookie_of(&answer)).await.status, 200);
    }

    async fn a_planted_cookie_is_worth_nothing(app) {
        drop(join(app, "a@example.com").await);
        let planted = "rr_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let answer = post(app, "/login", planted, &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303);
        assert!(!cookie_of(&answer).is_empty() && cookie_of(&answer) != planted);
        assert_eq!(page(app, "/dashboard", planted).await.status, 303);
        // The session that the browser had before is ended, not left behind.
        let first = cookie_of(&answer);
        let second = cookie_of(&post(app, "/login", &first, &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303));
        assert_eq!(page(app, "/dashboard", &first).await.status, 303);
        assert_eq!(page(app, "/dashboard", &second).await.status, 200);
    }

    async fn forms_of_other_sites_reach_nothing(app) {
        let cookie = join(app, "a@example.com").await;
        let cases: [(&[(&str, &str)], u16); 9] = [
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], 403),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8081")], 403),
            (&[("sec-fetch-site", "cross-site"), ("origin", "null")], 403),
            (&[("origin", "https://evil.example")], 403),
            (&[("origin", "null")], 403),
            (&[("origin", "http://127.0.0.1:80801")], 403),
            (&[], 403),
            (&[("origin", "http://127.0.0.1:8080")], 303),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")], 303),
        ];
        for (headers, status) in cases {
            let ask = app.post("/profile").header("cookie", &cookie).body(form(&[("display_name", "Changed"), ("bio", ""), ("capabilities", "")]));
            let answer = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await;
            assert_eq!(answer.status, status, "{headers:?} {}", text(&answer));
            let profile = text(&page(app, "/profile", &cookie).await);
            assert_eq!(profile.contains("Changed"), status == 303, "{headers:?}");
            drop(post(app, "/profile", &cookie, &[("display_name", "Ann")]).await.expect(303));
        }
        // Nothing is changed by opening an address.
        for path in ["/logout", "/theme", "/tasks/00000000-0000-7000-8000-000000000001/accept", "/profile/password", "/sandbox-faucet"] {
            assert_eq!(page(app, path, &cookie).await.status, 405, "{path}");
        }
    }

    async fn every_page_forbids_frames_and_scripts_of_others(app) {
        let cookie = join(app, "a@example.com").await;
        for path in ["/", "/tasks", "/login", "/signup", "/rules", "/dashboard", "/work", "/published", "/review", "/publish", "/wallet", "/wallet/history", "/wallet/deposit", "/wallet/withdraw", "/keys", "/referrals", "/profile", "/profile/second-factor", "/profile/webhooks", "/recover", "/recover/abc", "/docs", "/docs/mcp", "/docs/bots", "/docs/webhooks", "/nothing", "/admin"] {
            let answer = page(app, path, &cookie).await;
            let needs_gateway = path == "/wallet/deposit";
            let is_there = !["/nothing", "/admin"].contains(&path) && (!needs_gateway || app.app.gateway.is_some());
            assert!(!is_there || [200, 303].contains(&answer.status), "{path}: {}", answer.status);
            let policy = answer.header("content-security-policy").unwrap().to_owned();
            for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
                assert!(policy.contains(rule), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            let html = text(&answer);
            let is_inside = html.contains("<nav aria-label=\"Main\">") && html.contains("<footer class=\"bottom\">");
            assert!(!is_there || answer.status == 303 || is_inside, "{path} stands outside of the site");
            for inline in ["<script>", " style=\"", " onclick=", "javascript:"] {
                assert!(!html.contains(inline), "{path} holds {inline}");
            }
        }
    }

    async fn the_panel_does_not_exist_for_others(app) {
        let cookie = join(app, "a@example.com").await;
        let paths = ["/admin", "/admin/users", "/admin/disputes", "/admin/audit", "/admin/settings", "/admin/act/admin_suspend_user?id=1"];
        for path in paths {
            assert_eq!(page(app, path, &cookie).await.status, 404, "{path}");
            assert_eq!(page(app, path, "").await.status, 404, "{path}");
        }
        drop(app.admin("root@example.com").await);
        let answer = post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303);
        for path in paths {
            assert_eq!(page(app, path, &cookie_of(&answer)).await.status, 200, "{path}");
        }
        // The session of an admin ends soon when nobody uses it.
        app.advance(Span::minutes(31));
        assert_eq!(page(app, "/admin", &cookie_of(&answer)).await.status, 404);
    }

    async fn an_admin_decides_with_a_reason_and_it_is_written_down(app) {
        let victim = app.bot().await;
        drop(app.admin("root@example.com").await);
        let cookie = cookie_of(&post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303));
        let id = victim.user_id.to_string();
        let without = post(app, "/admin/act/admin_suspend_user", &cookie, &[("id", &id), ("reason", "")]).await.expect(422);
        assert!(text(&without).contains("Fill this in."), "{}", text(&without));
        drop(post(app, "/admin/act/admin_suspend_user", &cookie, &[("id", &id), ("reason", "Sells accounts.")]).await.expect(303));
        let log = text(&page(app, "/admin/audit", &cookie).await);
        assert!(log.contains("Sells accounts.") && log.contains("Suspend user"), "{log}");
        assert!(text(&page(app, &format!("/admin/users/{id}"), &cookie).await).contains("Suspended"));
        for path in ["/admin", "/admin/users?is_bot=true", "/admin/users?q=bot_", "/admin/rules", "/admin/jobs", "/admin/books"] {
            assert_eq!(page(app, path, &cookie).await.status, 200, "{path}");
        }
    }

    async fn where_admins_need_a_second_factor_there_is_no_way_around_it(app, |config| config.auth.admin_2fa = true) {
        let token = app.admin("root@example.com").await;
        assert_eq!(app.get("/api/v1/admin/users").bearer(&token).send().await.expect(403).code(), "admin_only");
        let key_by = |token: &str| app.post("/api/v1/agent/keys").bearer(token).json(&json!({})).send();
        assert_eq!(key_by(&token).await.expect(403).code(), "second_factor_required", "a key would be an admin's");
        let cookie = cookie_of(&post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303));
        assert_eq!(page(app, "/admin", &cookie).await.expect(303).header("location"), Some("/profile/second-factor"));
        let begun = text(&post(app, "/profile/second-factor", &cookie, &[("name", "phone")]).await.expect(200));
        let between = |from: &str, to: &str| begun.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
        let (factor, challenge) = (between("/profile/second-factor/", "/verify"), between("name=\"challenge\" value=\"", "\""));
        let secret = base32(&between("id=\"secret\">", "<"));
        let path = format!("/profile/second-factor/{factor}/verify");
        let wrong = text(&post(app, &path, &cookie, &[("challenge", &challenge), ("code", "000000")]).await.expect(422));
        assert!(wrong.contains(&between("id=\"secret\">", "<")) && wrong.contains("not the one of this moment"), "the secret is still there");
        let code = roborent::users::people::factors::code_of(&secret, app.now().as_seconds() / 30);
        let done = post(app, &path, &cookie, &[("challenge", &challenge), ("code", &code)]).await.expect(200);
        let raised = cookie_of(&done);
        assert_eq!(page(app, "/admin", &raised).await.status, 200);
        assert_eq!(page(app, "/admin", &cookie).await.status, 404, "the cookie from before is over");
        // The next sign-in stops at the factor, and a code that was used is worth nothing.
        let half = cookie_of(&post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303));
        assert!(page(app, "/dashboard", &half).await.expect(303).header("location").unwrap().starts_with("/login/2fa"));
        assert_eq!(post(app, "/login/2fa", &half, &[("code", &code)]).await.status, 422);
        let recovery = text(&done).split("id=\"codes\">").nth(1).unwrap().lines().next().unwrap().to_owned();
        let whole = cookie_of(&post(app, "/login/2fa", &half, &[("code", &recovery)]).await.expect(303));
        assert_eq!(page(app, "/admin", &whole).await.status, 200);
        let again = cookie_of(&post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303));
        assert_eq!(post(app, "/login/2fa", &again, &[("code", &recovery)]).await.status, 422, "a recovery code works once");
        // A key is made where the factor was shown lately, and no key makes or rotates another.
        let half = app.sign_in("root@example.com", PASSWORD).await.expect(200).json()["access_token"].clone();
        app.advance(Span::seconds(30));
        let whole = crate::second_factor::show(app, half.as_str().unwrap(), &(factor, secret)).await;
        let made = key_by(&whole).await.expect(201).json();
        for path in [String::new(), format!("/{}/rotate", made["key_id"].as_str().unwrap())] {
            let asked = app.post(&format!("/api/v1/agent/keys{path}")).header("x-api-key", made["api_key"].as_str().unwrap());
            assert_eq!(asked.json(&json!({})).send().await.expect(403).code(), "second_factor_required", "{path}");
        }
    }

    async fn guessing_on_the_site_is_slowed_as_elsewhere(app) {
        drop(join(app, "a@example.com").await);
        let guess = || post(app, "/login", "", &[("email", "a@example.com"), ("password", "wrong horse battery")]);
        for _ in 0..9 {
            let wrong = guess().await.expect(422);
            assert!(text(&wrong).contains("The e-mail address or the password is wrong."));
            assert!(text(&wrong).contains("value=\"a@example.com\"") && !text(&wrong).contains("wrong horse"), "the address stays, the password does not");
        }
        let slow = guess().await.expect(429);
        assert!(slow.header("retry-after").is_some());
        let unknown = post(app, "/login", "", &[("email", "nobody@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(unknown.status, 429, "counted per address of the client, whatever is tried");
    }

    async fn nobody_learns_who_has_an_account(app, |config| {
        config.installation.network = Network::Nile;
        config.server.public_url = "https://market.example".into();
        config.mail.smtp_url = "smtp://127.0.0.1:1".to_owned().into();
        config.mail.from = "no-reply@market.example".into();
        config.limits.register = "100/h".parse().unwrap();
        config.limits.sign_in = "100/min".parse().unwrap();
    }) {
        let sign_up = |email: &'static str| app.post("/auth/v1/signup").json(&json!({ "email": email, "password": PASSWORD, "data": { "a": 1 } })).send();
        let shape = |answer: Answered| {
            let mut user = answer.expect(200).json();
            for name in ["id", "created_at", "updated_at", "confirmation_sent_at", "email"] {
                user[name] = Value::Null;
            }
            user
        };
        let fresh = shape(sign_up("a@example.com").await);
        assert_eq!(fresh, shape(sign_up("a@example.com").await), "a taken address looks like a free one");
        assert!(fresh.get("access_token").is_none());
        let page_of = async |email: &'static str| post(app, "/signup", "", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(page_of("a@example.com").await.expect(200).body, page_of("b@example.com").await.expect(200).body);
        for path in ["/auth/v1/recover", "/auth/v1/otp"] {
            let known = app.post(path).json(&json!({ "email": "a@example.com" })).send().await.expect(200);
            let unknown = app.post(path).json(&json!({ "email": "nobody@example.com" })).send().await.expect(200);
            assert_eq!(known.body, unknown.body);
        }
        // Until the mail is answered there is no way in.
        assert_eq!(app.sign_in("a@example.com", PASSWORD).await.expect(400).header("x-sb-error-code"), Some("email_not_confirmed"));
        assert_eq!(app.get("/sandbox/mails").send().await.status, 404);
    }

    async fn what_users_write_is_text_wherever_it_is_read(app, |config| {
        config.limits.publish = "10000/h".parse().unwrap();
        config.limits.read = "100000/min".parse().unwrap();
        config.limits.register = "10000/h".parse().unwrap();
        config.limits.review = "10000/h".parse().unwrap();
        config.limits.accept = "10000/h".parse().unwrap();
        config.limits.submit = "10000/h".parse().unwrap();
    }) {
        let corpus = corpus();
        assert!(corpus.len() >= 200, "{}", corpus.len());
        let whole = corpus.join("\n");
        assert!(whole.len() < 19_000, "{}", whole.len());
        let halves: Vec<String> = corpus.chunks(corpus.len() / 2 + 1).map(|half| half.join("\n")).collect();
        let creator = app.rich_bot(1_000).await;
        let worker = app.bot().await;
        drop(app.admin("root@example.com").await);
        let cookie = cookie_of(&post(app, "/login", "", &[("email", "root@example.com"), ("password", PASSWORD)]).await.expect(303));
        let harmless = |html: &str, path: &str| {
            for payload in corpus.iter().filter(|payload| payload.contains(['<', '"', '\''])) {
                assert!(!html.contains(payload.as_str()), "{path} holds {payload}");
            }
        };
        for half in &halves {
            let title: String = half.chars().filter(|c| !c.is_control()).take(119).collect();
            let task = json!({ "title": title, "description": half, "category": "other", "reward_usd": 1, "slots": 2 });
            let made = app.post("/api/v1/agent/tasks").key(&creator).json(&task).send().await.expect(201).json();
            let id = made["task_id"].as_str().unwrap().to_owned();
            drop(app.post(&format!("/api/v1/agent/tasks/{id}/report")).key(&worker).json(&json!({ "reason": half.chars().take(1_900).collect::<String>() })).send().await.expect(201));
            drop(app.post(&format!("/api/v1/agent/tasks/{id}/accept")).key(&worker).send().await.expect(201));
            let proof = json!({ "proof_text": half.chars().take(4_900).collect::<String>(), "proof_url": "https://example.com/\"><script>alert(1)</script>" });
            let proof = app.post(&format!("/api/v1/agent/tasks/{id}/submit")).key(&worker).json(&proof).send().await.expect(201).json();
            let submission = proof["submission_id"].as_str().unwrap().to_owned();
            let reason = json!({ "reason_code": "other", "reason": half.chars().take(1_900).collect::<String>() });
            drop(app.post(&format!("/api/v1/agent/submissions/{submission}/reject")).key(&creator).json(&reason).send().await.expect(200));
            for path in [format!("/tasks/{id}"), format!("/review/{submission}"), "/tasks".into(), "/".into(), "/admin/reports".into()] {
                harmless(&text(&page(app, &path, &cookie).await.expect(200)), &path);
            }
        }
        for half in &halves {
            let bio: String = half.chars().take(1_900).collect();
            drop(app.ask("PATCH", "/api/v1/agent/profile").key(&worker).json(&json!({ "bio": bio })).send().await.expect(200));
            for path in [format!("/u/{}", worker.user_id), format!("/admin/users/{}", worker.user_id)] {
                harmless(&text(&page(app, &path, &cookie).await.expect(200)), &path);
            }
        }
        for comment in pieces(&corpus, 1_000) {
            let task = json!({ "title": "A task", "description": "What is to be done.", "category": "other", "reward_usd": 1, "slots": 1 });
            let made = app.post("/api/v1/agent/tasks").key(&creator).json(&task).send().await.expect(201).json();
            let id = made["task_id"].as_str().unwrap();
            drop(app.post(&format!("/api/v1/agent/tasks/{id}/accept")).key(&worker).send().await.expect(201));
            let proof = app.post(&format!("/api/v1/agent/tasks/{id}/submit")).key(&worker).json(&json!({ "proof_text": "Done" })).send().await.expect(201).json();
            let (submission, acceptance) = (proof["submission_id"].as_str().unwrap(), proof["acceptance_id"].as_str().unwrap());
            drop(app.post(&format!("/api/v1/agent/submissions/{submission}/approve")).key(&creator).send().await.expect(200));
            let rating = json!({ "stars": 1, "comment": comment });
            drop(app.post(&format!("/api/v1/agent/acceptances/{acceptance}/rate")).key(&creator).json(&rating).send().await.expect(201));
            let path = format!("/u/{}", worker.user_id);
            let html = text(&page(app, &path, &cookie).await.expect(200));
            harmless(&html, &path);
            assert!(html.contains("1 of 5"));
        }
        for name in corpus.iter().map(|payload| payload.chars().filter(|c| !c.is_control()).take(60).collect::<String>()) {
            drop(app.ask("PATCH", "/api/v1/agent/profile").key(&worker).json(&json!({ "display_name": name, "capabilities": [name.chars().take(40).collect::<String>()] })).send().await.expect(200));
            let html = text(&page(app, &format!("/u/{}", worker.user_id), &cookie).await.expect(200));
            assert!(!name.contains('<') || !html.contains(&name), "{name}");
        }
        // The address bar and the program's name come back, too.
        let agent = "<script>alert('agent')</script>";
        let ask = app.post("/login").header("sec-fetch-site", "same-origin").header("user-agent", agent);
        let cookie = cookie_of(&ask.body(form(&[("email", "root@example.com"), ("password", PASSWORD)])).send().await.expect(303));
        assert!(!text(&page(app, "/profile", &cookie).await).contains(agent));
        let search = format!("/tasks?q={}", form(&[("", "\"><script>alert(1)</script>")]).trim_start_matches('='));
        assert!(!text(&page(app, &search, &cookie).await).contains("<script>alert"));
        let next = text(&page(app, "/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "").await);
        assert!(!next.contains("<script>alert"));
    }
}

pub fn base32(text: &str) -> Vec<u8> {
    let digit = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap() as u64;
    let bits = |chunk: &[char]| chunk.iter().fold(0, |bits, c| bits << 5 | digit(*c));
    text.chars().collect::<Vec<_>>().chunks(8).flat_map(|chunk| bits(chunk).to_be_bytes()[3..].to_vec()).collect()
}
