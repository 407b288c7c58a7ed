// @ts-check
/** The way to the registrations that are kept on this device. */

import { countKeptTickets } from "./kept_tickets.js";
import { myRegistrations, onMineChange } from "./my_registrations.js";

/** At the foot of every page, as long as there is anything. */
export function startMineLink() {
  const link = document.querySelector("[data-route=mine]");
  if (!(link instanceof HTMLElement)) return;
  const draw = () => {
    link.hidden = myRegistrations().length === 0 && countKeptTickets() === 0;
  };
  onMineChange(draw);
  // A ticket is kept once it is shown.
  window.addEventListener("popstate", draw);
  draw();
}
