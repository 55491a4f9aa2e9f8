import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { OpeningMail } from '../tabs/opening-mail.tsx'
import { tabInAddress } from './address.ts'
import { lazily } from './lazily.tsx'
import { type Tab, Tabs } from './tabs.tsx'

const tabs: readonly Tab[] = [
  {
    id: 'mail',
    title: 'Mail or text',
    Content: lazily(async () => (await import('../tabs/mail.tsx')).Mail, OpeningMail),
  },
  { id: 'digit', title: 'Digit', Content: lazily(async () => (await import('../tabs/digit.tsx')).Digit) },
  { id: 'image', title: 'Image', Content: lazily(async () => (await import('../tabs/image.tsx')).RawImage) },
  { id: 'sound', title: 'Sound', Content: lazily(async () => (await import('../tabs/sound.tsx')).Sound) },
  { id: 'own', title: 'Your own model', Content: lazily(async () => (await import('../tabs/own.tsx')).Own) },
]

const chosen = signal(tabs.find(({ id }) => id === tabInAddress())?.id ?? 'mail')

// Somebody has opened another address of this page where it is already: the page replaces its own without this event.
addEventListener('hashchange', () => location.reload())

// A file that falls next to a field would be opened by the browser in place of the page.
for (const type of ['dragover', 'drop'] as const) {
  addEventListener(type, (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
  })
}

export function Page(): JSX.Element {
  return (
    <>
      <header>
        <h1>Watch a model prune its tokens</h1>
        <p>
          A model carries every token through all its layers. <strong>Token pruning</strong> removes those it no longer
          needs on the way. Both run here, on your device.
        </p>
        <nav class="links" aria-label="Elsewhere">
          <a class="home" href="../">
            <svg viewBox="0 0 32 32" aria-hidden="true">
              <rect width="32" height="32" rx="7" />
              <path d="M7 9h18M9.5 16h13M13 23h6" />
            </svg>
            @tp: the guide
          </a>
          <a href={import.meta.env.VITE_REPOSITORY}>Source code</a>
        </nav>
      </header>
      <main>
        <Tabs tabs={tabs} chosen={chosen} />
      </main>
      <footer>Everything happens in this page: nothing that you type, draw or open leaves your device.</footer>
    </>
  )
}
