// Tells once that the first page stands: something is in its middle, and has been painted.
(() => {
  const isThere = () => document.querySelector('main > *') !== null
  const painted = () =>
    requestAnimationFrame(() => setTimeout(() => window.__TAURI_INTERNALS__.invoke('ui_ready')))
  const observer = new MutationObserver(() => {
    if (!isThere()) return
    observer.disconnect()
    painted()
  })
  observer.observe(document, { childList: true, subtree: true })
})()
