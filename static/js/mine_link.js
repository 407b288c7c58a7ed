// @ts-check
/** The link to the registrations on this device. */

import { countKeptTickets } from "./kept_tickets.js";
import { myRegistrations, onMineChange } from "./my_registrations.js";

/** In the footer of every page, if there are any. */
export function startMineLink() {
  const link = document.querySelector("[data-route=mine]");
  if (!(link instanceof HTMLElement)) return;
  const draw = () => {
    link.hidden = myRegistrations().length === 0 && countKeptTickets() === 0;
  };
  onMineChange(draw);
  // A ticket is stored once it is shown.
  window.addEventListener("popstate", draw);
  draw();
}
