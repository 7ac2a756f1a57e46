import { onScopeDispose, ref, type Ref } from 'vue'

const now = ref(new Date())
let users = 0

function look() {
  now.value = new Date()
}

/** The time when somebody last turned to the window: words like "today" need no ticking clock. */
export function useNow(): Readonly<Ref<Date>> {
  if (users++ === 0) {
    look()
    window.addEventListener('focus', look)
    document.addEventListener('visibilitychange', look)
  }
  onScopeDispose(() => {
    if (--users > 0) return
    window.removeEventListener('focus', look)
    document.removeEventListener('visibilitychange', look)
  })
  return now
}
