import { computed, onScopeDispose, reactive, ref, shallowRef, watch } from 'vue'
import { failureOf, useBackend } from '@/backend'
import type { Failure, FieldError, FieldErrorCode, OrderForm, OrderView } from '@/backend/contract'
import { FORM_INVALID, isUnavailable } from '@/backend/problem-codes'
import { useDrafts } from '@/stores/drafts'
import { check } from './checks'
import { typeOf, valueOf } from './fields'

/** Milliseconds after the last keystroke. */
const PAUSE = 700
/** Milliseconds until what could not be saved is sent again. */
const AGAIN = 8000

/**
 * The form of a draft: saved as it is typed, and whenever `save` is called. What the portal does not take stays here and
 * is sent again; what is wrong is known field by field.
 */
export function useDraft(order: OrderView) {
  const backend = useBackend()
  const drafts = useDrafts()
  const { no } = order

  const plain = (form: OrderForm) => JSON.parse(JSON.stringify(form)) as OrderForm
  const form = reactive(plain(drafts.of(no) ?? order.form.form))

  const kept = ref(JSON.stringify(order.form.form))
  const verdict = shallowRef({ form: order.form.form, errors: order.form.errors })
  const saving = ref(false)
  const failure = shallowRef<Failure | null>(null)
  const savedAt = ref<string>()
  const isSaved = computed(() => JSON.stringify(form) === kept.value)

  let timer: ReturnType<typeof setTimeout> | undefined
  let queue: Promise<boolean> = Promise.resolve(true)
  let isOver = false

  async function send(complete: boolean): Promise<boolean> {
    clearTimeout(timer)
    if (!complete && isSaved.value) return true
    const sent = plain(form)
    const taken = (errors: FieldError[]) => {
      kept.value = JSON.stringify(sent)
      verdict.value = { form: sent, errors }
      failure.value = null
      savedAt.value = new Date().toISOString()
      if (isSaved.value) drafts.forget(no)
    }
    saving.value = true
    try {
      const saved = await backend.call('save_form', { no, form: { form: sent, complete } })
      taken(saved.form.errors)
      return true
    } catch (thrown) {
      const refused = failureOf(thrown)
      if (refused.code === FORM_INVALID) {
        // It is kept all the same.
        taken(refused.fields as FieldError[])
        return false
      }
      failure.value = refused
      if (!isOver && mayPass(refused)) timer = setTimeout(() => void save(), AGAIN)
      return false
    } finally {
      saving.value = false
    }
  }

  /** One after the other. Whether the portal has it; with `complete`, whether nothing is wrong with it. */
  function save(complete = false): Promise<boolean> {
    queue = queue.then(() => send(complete))
    return queue
  }

  watch(
    form,
    () => {
      if (isSaved.value) return
      drafts.keep(no, plain(form))
      clearTimeout(timer)
      timer = setTimeout(() => void save(), PAUSE)
    },
    { deep: true },
  )
  if (!isSaved.value) void save()

  /** Whoever turns away may not come back. */
  function saveWhenHidden() {
    if (document.visibilityState === 'hidden' && !isSaved.value) void save()
  }
  document.addEventListener('visibilitychange', saveWhenHidden)

  onScopeDispose(() => {
    isOver = true
    document.removeEventListener('visibilitychange', saveWhenHidden)
    clearTimeout(timer)
    if (!isSaved.value) void save()
  })

  /** Per field: what is wrong with it now; the portal's verdict where the field is still what was judged. */
  const errors = computed(() => {
    const found = new Map<string, FieldErrorCode>()
    for (const { field, code } of verdict.value.errors) {
      const looksAt = [field, typeOf(field)].filter((path) => path !== undefined)
      const isSame = looksAt.every((path) => valueOf(verdict.value.form, path) === valueOf(form, path))
      if (isSame) found.set(field, code)
    }
    for (const { field, code } of check(form)) found.set(field, code)
    return found
  })

  return reactive({ form, errors, saving, failure, savedAt, isSaved, save })
}

/** Nothing is wrong with the form: the portal is away. */
function mayPass({ code, retry_after }: Failure): boolean {
  return isUnavailable(code) || retry_after != null
}
