// No imports: without the token the board hands out nothing but this file.
const field = document.getElementById("token");
field?.focus();
if (location.search === "?wrong") {
  const wrong = document.getElementById("wrong");
  if (wrong !== null) wrong.textContent = wrong.dataset.text ?? "";
}

// A link from another site arrives without the cookie although this browser has it: ask once from here.
const answer = await fetch("/api/status", { method: "HEAD" }).catch(() => undefined);
if (answer?.ok) location.replace("/");

export {};
