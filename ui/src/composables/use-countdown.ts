import { onScopeDispose, reactive, ref } from 'vue'

/** Whole seconds that are left; ticks only while there are any. */
export function useCountdown() {
  const left = ref(0)
  let timer: ReturnType<typeof setInterval> | undefined

  function stop() {
    clearInterval(timer)
    timer = undefined
    left.value = 0
  }

  function start(seconds: number) {
    stop()
    const end = Date.now() + seconds * 1000
    left.value = Math.ceil(seconds)
    if (left.value <= 0) return
    timer = setInterval(() => {
      left.value = Math.max(0, Math.ceil((end - Date.now()) / 1000))
      if (left.value === 0) stop()
    }, 1000)
  }

  onScopeDispose(stop)
  return reactive({ left, start, stop })
}
