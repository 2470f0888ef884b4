"use strict";
(() => {
  const status = document.getElementById("status");

  // Copying ---------------------------------------------------------------------------------------------------------
  const copyByHand = (source) => {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  };
  for (const button of document.querySelectorAll("button.copy")) {
    const label = button.innerHTML;
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
      status.textContent = done ? "Program copied" : "Program selected; press Ctrl+C to copy it";
      setTimeout(() => { button.innerHTML = label; }, 2000);
    });
  }

  // Filtering -------------------------------------------------------------------------------------------------------
  const filter = document.querySelector(".filter");
  const buttons = [...filter.querySelectorAll("button")];
  filter.hidden = buttons.length < 3; // one verdict only: nothing to choose
  filter.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    let shown = 0;
    for (const body of document.querySelectorAll("table.summary tbody")) {
      let any = false;
      for (const line of body.querySelectorAll(".line")) {
        line.hidden = chosen.dataset.show !== "all" && line.dataset.verdict !== chosen.dataset.show;
        any ||= !line.hidden;
        shown += !line.hidden;
      }
      body.hidden = !any;
    }
    status.textContent = `${shown} gradients shown`;
  });

})();
