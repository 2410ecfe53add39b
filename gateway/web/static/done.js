// Tells the window that opened this one how the sign-in ended; browsers deliver to pages of these origins only.
const told = document.getElementById("told");
if (window.opener) {
  const message = JSON.parse(told.dataset.message);
  for (const origin of JSON.parse(told.dataset.origins)) window.opener.postMessage(message, origin);
  window.close();
}
