// For tests: what the content security policy had to forbid, from the page's first moment on.
window.__violations = []
document.addEventListener('securitypolicyviolation', (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`),
)
