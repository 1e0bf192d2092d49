document.getElementById("token").focus();
if (location.search === "?wrong") {
  document.getElementById("wrong").textContent = "That is not this board's token.";
}

// A link from another site arrives without the cookie although this browser has it: ask once from here.
const answer = await fetch("/api/status", { method: "HEAD" }).catch(() => undefined);
if (answer?.ok) location.replace("/");
