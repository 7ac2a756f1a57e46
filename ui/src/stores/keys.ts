import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { CertificateOnToken, TokensView, TokenView } from '@/backend/contract'

/** The certificate on a key that counts. */
export function currentOf(key: TokenView): CertificateOnToken | undefined {
  return key.current == null ? undefined : key.certificates[key.current]
}

export const useKeys = defineStore('keys', () => {
  const backend = useBackend()
  const view = shallowRef<TokensView>({ version: 0, looking: true, keys: [], drivers_missing: [] })

  function hear(heard: TokensView) {
    if (heard.version >= view.value.version) view.value = heard
  }

  return {
    view,
    keys: computed(() => view.value.keys),
    /** The one key that is in; none where there are several. */
    only: computed(() => (view.value.keys.length === 1 ? view.value.keys[0] : undefined)),
    hear,
    async refresh() {
      hear(await backend.call('refresh_tokens'))
    },
  }
})
