// What makes the pages a little quicker. Each works without it.
"use strict";

// A form is sent once, even when the button is pressed twice.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button:not([name])")) setTimeout(() => (button.disabled = true), 0);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll("button[disabled]")) button.disabled = false;
});

// "Copy" beside an address or a key.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    const words = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), 1500);
  });
}

// The quote beside the form follows what is typed.
for (const form of document.querySelectorAll("form[data-quote]")) {
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const answer = await fetch(form.dataset.quote, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (answer.ok) document.getElementById("quote").innerHTML = await answer.text();
    }, 300);
  });
}

// Of a row that is wider than the screen, the entry that one is at.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// The menu closes when something else is wanted.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What happens elsewhere shows here: the server says that something changed, and the parts marked for it are drawn again.
const purse = document.getElementById("purse");
if (purse && window.EventSource) {
  const market = document.querySelector("[data-market]") ? "&market=yes" : "";
  const source = new EventSource(`/live?after=${purse.dataset.after}${market}`);
  let drawing = false;
  let again = false;
  const draw = async () => {
    if (drawing) return void (again = true);
    drawing = true;
    try {
      await drawn();
    } catch {
      // The server is away for a moment; the next change draws again.
    } finally {
      drawing = false;
    }
    if (again) {
      again = false;
      draw();
    }
  };
  const drawn = async () => {
    const answer = await fetch(location.href, { headers: { "x-live": "1" } });
    if (answer.ok && !answer.redirected) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = part.id && fresh.getElementById(part.id);
        const focus = part.contains(document.activeElement) ? document.activeElement : null;
        const typing = focus?.matches("input, textarea, select");
        if (!other || typing || other.innerHTML === part.innerHTML) continue;
        part.innerHTML = other.innerHTML;
        // Whoever had come to a link by keys is still there.
        if (focus?.hasAttribute("href")) part.querySelector(`[href="${CSS.escape(focus.getAttribute("href"))}"]`)?.focus();
      }
    } else if (answer.redirected) {
      source.close();
    }
  };
  source.addEventListener("change", draw);
  source.addEventListener("end", () => source.close());
}
