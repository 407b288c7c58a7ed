// @ts-check
/** The registrations stored on this device. No request is made: the server does not know of them. */

import { pageAddress, registrationAddress } from "../address.js";
import { el, setText } from "../dom.js";
import { formatMoment } from "../event_times.js";
import { countKeptTickets, removeKeptTicket, clearKeptTickets } from "../kept_tickets.js";
import { clearMine, removeMine, myRegistrations, onMineChange } from "../my_registrations.js";
import { createQuestion } from "../question.js";
import { nameShown } from "../text.js";
import { t, tNodes } from "../words.js";

/** @import { Mine } from "../my_registrations.js" */
/** @import { View } from "../types.js" */

/** @param {View} view */
export function mineView({ root, signal, setTitle }) {
  setTitle(t("mine.title"));
  const title = el("h1", { id: "mine-title", tabindex: -1 }, t("footer.mine"));
  const list = el("ul", { class: "entries", role: "list", "aria-labelledby": "mine-title" });
  const all = el(
    "button",
    { type: "button", class: "button button--plain", "data-testid": "forget-all" },
    t("mine.forget_all"),
  );
  const none = el(
    "p",
    { class: "quiet", "data-testid": "mine-none" },
    t("mine.none"),
  );
  const tickets = el("p", { class: "quiet", "data-testid": "mine-tickets" });
  /** The registration to remove; null for all. @type {Mine | null} */
  let doomed = null;
  const question = createQuestion({
    testid: "forget-mine",
    yes: t("mine.yes"),
    no: t("manage.no"),
    isGrave: true,
    onYes() {
      if (doomed) {
        removeKeptTicket(doomed.id);
        removeMine(doomed.id);
      } else {
        clearKeptTickets();
        clearMine();
        draw();
      }
      title.focus();
    },
    onNo: () => title.focus(),
  });
  all.addEventListener("click", () => {
    doomed = null;
    question.ask(t("mine.forget_all_question"));
  });

  /** @param {Mine} one */
  function rowElement(one) {
    const id = `mine-${one.id}`;
    const forget = el(
      "button",
      {
        type: "button",
        class: "button button--plain button--small",
        "aria-describedby": id,
        "data-testid": "forget-one",
      },
      t("mine.forget"),
    );
    forget.addEventListener("click", () => {
      doomed = one;
      question.ask(...tNodes("mine.forget_question", { event: el("bdi", {}, nameShown(one.name)) }));
    });
    return el(
      "li",
      { class: "entry", "data-testid": "mine" },
      el(
        "div",
        {},
        el("a", { id, class: "entry__name", dir: "auto", href: registrationAddress(one.id, one.token) }, nameShown(one.name)),
        one.starts_at && el("p", { class: "quiet" }, formatMoment(one.starts_at, one.timezone)),
      ),
      forget,
    );
  }

  function draw() {
    // The last one is the likeliest to be wanted.
    const rows = myRegistrations().reverse();
    list.replaceChildren(...rows.map(rowElement));
    const count = countKeptTickets();
    setText(tickets, t("mine.tickets", { count }));
    tickets.hidden = count === 0;
    all.hidden = rows.length < 2 && count === 0;
    none.hidden = rows.length > 0;
  }

  onMineChange(draw, signal);
  draw();
  root.append(
    el("a", { class: "back", href: pageAddress("list") }, t("nav.all_events")),
    el(
      "div",
      { class: "page-head" },
      el(
        "div",
        {},
        title,
        el("p", { class: "lede" }, t("mine.lede")),
      ),
    ),
    question.node,
    none,
    list,
    tickets,
    el("div", { class: "panel" }, all),
  );
}
