// Keeps the page up to date: when the board tells of something new, the page is fetched again, and what changed of its
// parts marked `data-live` is put in place. Without this script, the page does everything by itself, only not at once.
"use strict";

const events = new EventSource(document.currentScript.dataset.events);
let asked = false, again = false;

events.onmessage = () => { if (asked) again = true; else refresh(); };
events.onerror = () => { if (events.readyState === EventSource.CLOSED) comeBack(); };

// Closed for good: the board is started anew, or the sign-in has ended: then the hub signs in again without a word.
async function comeBack() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok || answer?.redirected) location.reload();
  else setTimeout(comeBack, 3000);
}

async function refresh() {
  asked = true;
  try {
    const answer = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" } });
    if (answer.redirected) location.reload();
    else if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the network is away; the next event comes when it is back */ }
  asked = false;
  if (again) { again = false; refresh(); }
}

function show(fresh) {
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(part.id);
    if (!now || now.innerHTML === part.innerHTML) continue;
    const { scrollLeft, scrollTop } = part;
    part.replaceChildren(...now.childNodes);
    part.scrollTo(scrollLeft, scrollTop);
  }
  // One polite sentence for those who listen, and only when it says something else.
  const news = document.getElementById("news"), said = fresh.getElementById("news");
  if (news && said && news.textContent !== said.textContent) news.replaceChildren(...said.childNodes);
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
