import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { CertificateOnToken, TokensView, TokenView } from '@/backend/contract'

/** The certificate on a token that counts. */
export function currentOf(token: TokenView): CertificateOnToken | undefined {
  return token.current == null ? undefined : token.certificates[token.current]
}

export const useTokens = defineStore('tokens', () => {
  const backend = useBackend()
  const view = shallowRef<TokensView>({ version: 0, looking: true, tokens: [], drivers_missing: [] })

  function hear(heard: TokensView) {
    if (heard.version >= view.value.version) view.value = heard
  }

  return {
    view,
    inserted: computed(() => view.value.tokens),
    /** The one token that is inserted; none where there are several. */
    only: computed(() => (view.value.tokens.length === 1 ? view.value.tokens[0] : undefined)),
    hear,
    async refresh() {
      hear(await backend.call('refresh_tokens'))
    },
  }
})
