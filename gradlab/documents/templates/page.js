"use strict";
(() => {
  const status = document.getElementById("status");
  const copyByHand = (source) => {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  };
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      let done = true;
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        done = copyByHand(source); // no clipboard here, or not allowed
      }
      button.textContent = done ? "Copied ✓" : "Press Ctrl+C";
      status.textContent = done ? "Code copied" : "Code selected; press Ctrl+C to copy it";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
})();
