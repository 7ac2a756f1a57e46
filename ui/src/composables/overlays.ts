/** How many dialogs are open: Esc is theirs before it is the page's. */
let open = 0

export const overlays = {
  opened: () => {
    open++
  },
  /** Counts once the keystroke that closed it has been heard by all: one keystroke closes one thing. */
  closed: () => {
    setTimeout(() => (open = Math.max(0, open - 1)))
  },
  any: () => open > 0,
}
