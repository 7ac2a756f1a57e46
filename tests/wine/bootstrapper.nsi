; Stands in for Microsoft's bootstrapper of the WebView2 runtime, as an installer calls it (`/silent /install`): it
; registers a runtime, and installs none.
Target amd64-unicode
SilentInstall silent
RequestExecutionLevel user
OutFile "${OUT}"

Section
  WriteRegStr HKCU "Software\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}" "pv" "1.2.3.4"
SectionEnd
