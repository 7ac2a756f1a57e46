; The installer: per user by default, for all users as a choice; repairs, upgrades, refuses to go back.
;
; makensis -INPUTCHARSET UTF8 -DVERSION=… -DSTUB=… -DSTAGE=… -DOUT=… -DNEEDED_KB=… [-DSIGN=…] [-DBOOTSTRAPPER=…]
; [-DQUICK] installer.nsi
; Properties and exit codes: docs/windows.md. `cargo xtask package windows` runs this.

; amd64-unicode or x86-unicode. The programs are 64-bit either way, and so is the registry that is read and written.
Target ${STUB}
!ifdef QUICK
  ; For trials: larger, and made in a second.
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "WinVer.nsh"
!include "WordFunc.nsh"
!include "x64.nsh"

!define ID "cn.yuncaidun.assistant"
!define FOLDER "YuncaidunAssistant"
!define APP "ycd-app.exe"
!define PUBLISHER "云采盾"
!define SETTINGS_KEY "Software\Yuncaidun\Assistant"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${ID}"
!define RUN_KEY "Software\Microsoft\Windows\CurrentVersion\Run"
; As the window's own setting has it.
!define RUN_NAME "yuncaidun-assistant"
!define WEBVIEW2 "{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define WEBVIEW2_FROM "https://go.microsoft.com/fwlink/p/?LinkId=2124703"

; What the process ends with. 0, 1 and 2 are NSIS's own: done, cancelled by a person, broken off.
!define EXIT_NEWER 10
!define EXIT_BUSY 11
!define EXIT_NOT_WRITABLE 12
!define EXIT_ANOTHER 13
!define EXIT_NO_RIGHTS 14
!define EXIT_TOO_OLD 15
!define EXIT_DISK_FULL 16
!define EXIT_BAD_PROPERTY 17
; Installed, but for the runtime of the window.
!define EXIT_NO_WEBVIEW 20

Var InstalledVersion
Var ForAll          ; 1: for all users
Var SuggestForAll   ; 1: that is how it was installed
Var OnDesktop         ; 1: a shortcut on the desktop
Var AtLogin       ; 1: started hidden at login
Var Portal          ; the portal's address, or empty
Var WebViewWanted   ; 0: whoever installs sees to the runtime
Var WindowMissing   ; said at the end where its runtime is
Var DriversMissing  ; of keys that are plugged in: a line for each make
Var KeepData        ; of the uninstaller
Var DesktopBox
Var AutostartBox
Var AllBox
Var KeepBox
Var Turn            ; handle: one installer at a time

Name "$(Title)"
BrandingText "$(Branding)"
OutFile "${OUT}"
InstallDir ""
AllowSkipFiles off
ShowInstDetails nevershow
ShowUninstDetails nevershow
!define MUI_ICON "${STAGE}\icon.ico"
!define MUI_UNICON "${STAGE}\icon.ico"
; From side.svg: rsvg-convert -w 164 -h 314 side.svg, then ImageMagick's convert +dither -colors 256 BMP3:side.bmp
!define MUI_WELCOMEFINISHPAGE_BITMAP "side.bmp"
!define MUI_ABORTWARNING
!define MUI_WELCOMEPAGE_TITLE "$(WelcomeTitle)"
!define MUI_WELCOMEPAGE_TEXT "$(WelcomeText)"
!define MUI_FINISHPAGE_TITLE "$(FinishedTitle)"
!define MUI_FINISHPAGE_TEXT "$(Finished)$\r$\n$\r$\n$WindowMissing$DriversMissing"
!define MUI_FINISHPAGE_TEXT_LARGE
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "$(OpenIt)"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenIt

!insertmacro MUI_PAGE_WELCOME
Page custom WhoPage WhoLeave
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE FolderLeave
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_PAGE_CUSTOMFUNCTION_SHOW FinishShow
!insertmacro MUI_PAGE_FINISH
UninstPage custom un.KeepPage un.KeepLeave
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "SimpChinese"
!insertmacro MUI_LANGUAGE "English"
!include "strings.nsh"

!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"' = 0
  !finalize '${SIGN} "%1"' = 0
!endif

VIProductVersion "${VERSION}.0"
VIFileVersion "${VERSION}.0"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "ProductName" "云采盾证书助手"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "FileDescription" "云采盾证书助手 安装程序"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "CompanyName" "${PUBLISHER}"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=${LANG_SIMPCHINESE} "LegalCopyright" "Apache-2.0"
VIAddVersionKey /LANG=${LANG_ENGLISH} "ProductName" "Certificate Assistant"
VIAddVersionKey /LANG=${LANG_ENGLISH} "FileDescription" "Certificate Assistant, installer"
VIAddVersionKey /LANG=${LANG_ENGLISH} "CompanyName" "${PUBLISHER}"
VIAddVersionKey /LANG=${LANG_ENGLISH} "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=${LANG_ENGLISH} "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=${LANG_ENGLISH} "LegalCopyright" "Apache-2.0"

; Ends with a code, after saying why.
!macro END CODE TEXT
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend
!define End "!insertmacro END"

; The value of /NAME= on the command line, else as it is. `/NAME=a`, `/NAME="a b"` and `"/NAME=a b"` are all read;
; NSIS's own `${GetOptions}` would end an address at its first slash.
!macro PROPERTY NAME INTO UN
  StrCpy $R8 "/${NAME}="
  StrCpy $R7 "${INTO}"
  Call ${UN}Property
  StrCpy ${INTO} $R7
!macroend
!define Property "!insertmacro PROPERTY"

; $R8: name. $R7: what it is; what it was before. Uses $R2 to $R6.
!macro PROPERTY_OF UN
Function ${UN}Property
  ${GetParameters} $R3
  StrLen $R4 $R8
  StrCpy $R5 0
  ; $R2: the character before. It ends the value too where it is a quotation mark.
  StrCpy $R2 " "
  ${Do}
    StrCpy $R6 $R3 $R4 $R5
    ${If} $R6 == $R8
      ${ExitDo}
    ${EndIf}
    ${If} $R6 == ""
      Return
    ${EndIf}
    StrCpy $R2 $R3 1 $R5
    IntOp $R5 $R5 + 1
  ${Loop}
  IntOp $R5 $R5 + $R4
  StrCpy $R4 $R3 "" $R5
  StrCpy $R6 " "
  StrCpy $R3 $R4 1
  ${If} $R3 == '"'
    StrCpy $R6 '"'
    StrCpy $R4 $R4 "" 1
  ${ElseIf} $R2 == '"'
    StrCpy $R6 '"'
  ${EndIf}
  StrCpy $R7 ""
  ${Do}
    StrCpy $R3 $R4 1
    ${If} $R3 == ""
    ${OrIf} $R3 == '"'
    ${OrIf} $R3 == $R6
      ${ExitDo}
    ${EndIf}
    StrCpy $R7 "$R7$R3"
    StrCpy $R4 $R4 "" 1
  ${Loop}
FunctionEnd
!macroend
!insertmacro PROPERTY_OF ""
!insertmacro PROPERTY_OF "un."

; One installer at a time, of whatever version: the name lives as long as this process.
!macro ONE_AT_A_TIME
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Local\${ID}-setup") p .r1 ?e'
  Pop $R9
  StrCpy $Turn $1
  ${If} $R9 = 183
    ${End} ${EXIT_ANOTHER} "$(Another)"
  ${EndIf}
!macroend

; Which of the two installations this is about, and where what belongs to it is kept.
!macro CONTEXT
  SetRegView 64
  ${If} $ForAll = 1
    SetShellVarContext all
  ${Else}
    SetShellVarContext current
  ${EndIf}
!macroend

; Asks a running assistant to close and waits until the programs' files can be written. One that writes a key stays
; until that is done. Silent: for a minute.
!macro WAIT_FOR_THE_ASSISTANT UN
Function ${UN}WaitForTheAssistant
  StrCpy $R3 0
  ask:
  Call ${UN}IsFree
  ${If} $R9 = 1
    Return
  ${EndIf}
  ${If} ${FileExists} "$INSTDIR\${APP}"
    nsExec::Exec '"$INSTDIR\${APP}" --quit'
    Pop $R8
  ${EndIf}
  StrCpy $R4 0
  ${Do}
    Call ${UN}IsFree
    ${If} $R9 = 1
      Return
    ${EndIf}
    Sleep 500
    IntOp $R4 $R4 + 1
  ${LoopUntil} $R4 >= 10
  IntOp $R3 $R3 + 1
  ${If} ${Silent}
    ${If} $R3 < 12
      Goto ask
    ${EndIf}
    SetErrorLevel ${EXIT_BUSY}
    Quit
  ${EndIf}
  MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(Running)" IDRETRY ask
  SetErrorLevel ${EXIT_BUSY}
  Quit
FunctionEnd

; $R9: 1 where no process runs from any of the programs' files.
Function ${UN}IsFree
  StrCpy $R9 1
  !insertmacro IS_FREE "${APP}"
  ; On the command line a key may be written too.
  !insertmacro IS_FREE "ycd.exe"
  !insertmacro IS_FREE "ycd-host.exe"
  !insertmacro IS_FREE "ycd-host32.exe"
FunctionEnd
!macroend

; Windows refuses to open a running program for writing.
!macro IS_FREE PROGRAM
  ${If} ${FileExists} "$INSTDIR\${PROGRAM}"
    ClearErrors
    FileOpen $R7 "$INSTDIR\${PROGRAM}" a
    ${If} ${Errors}
      StrCpy $R9 0
    ${Else}
      FileClose $R7
    ${EndIf}
  ${EndIf}
!macroend

!insertmacro WAIT_FOR_THE_ASSISTANT ""
!insertmacro WAIT_FOR_THE_ASSISTANT "un."

Function .onInit
  SetRegView 64
  StrCpy $OnDesktop 1
  StrCpy $AtLogin 0
  StrCpy $ForAll 0
  StrCpy $Portal ""
  StrCpy $WebViewWanted 1
  StrCpy $R1 ""
  ${Property} "LANG" $R1 ""
  ${If} $R1 == "en"
    StrCpy $LANGUAGE ${LANG_ENGLISH}
  ${ElseIf} $R1 == "zh"
    StrCpy $LANGUAGE ${LANG_SIMPCHINESE}
  ${EndIf}
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
    ${End} ${EXIT_TOO_OLD} "$(TooOld)"
  ${EndIf}
  !insertmacro ONE_AT_A_TIME
  ${Property} "PORTAL" $Portal ""
  ${Property} "WEBVIEW2" $WebViewWanted ""
  ${If} $Portal != ""
    Call CheckPortal
  ${EndIf}
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/ALLUSERS" $R1
  ${IfNot} ${Errors}
    StrCpy $ForAll 1
  ${EndIf}
  ${If} $ForAll = 1
    UserInfo::GetAccountType
    Pop $R1
    ${If} $R1 != "admin"
      ${End} ${EXIT_NO_RIGHTS} "$(NoRights)"
    ${EndIf}
  ${EndIf}
  StrCpy $SuggestForAll $ForAll
  ReadRegStr $R1 HKLM "${SETTINGS_KEY}" "Folder"
  ReadRegStr $R2 HKCU "${SETTINGS_KEY}" "Folder"
  ${If} $R1 != ""
  ${AndIf} $R2 == ""
    StrCpy $SuggestForAll 1
  ${EndIf}
  ; As it was, where it was installed before and nothing else is wished for.
  ${If} $ForAll = 1
    ReadRegStr $R1 HKLM "${RUN_KEY}" "${RUN_NAME}"
  ${Else}
    ReadRegStr $R1 HKCU "${RUN_KEY}" "${RUN_NAME}"
  ${EndIf}
  ${If} $R1 != ""
    StrCpy $AtLogin 1
  ${EndIf}
  ${Property} "AUTOSTART" $AtLogin ""
  ; Whoever has thrown the shortcut away does not want it back.
  ${If} $ForAll = 1
    ReadRegDWORD $R1 HKLM "${SETTINGS_KEY}" "Whole"
    ReadRegStr $R2 HKLM "${SETTINGS_KEY}" "Desktop"
  ${Else}
    ReadRegDWORD $R1 HKCU "${SETTINGS_KEY}" "Whole"
    ReadRegStr $R2 HKCU "${SETTINGS_KEY}" "Desktop"
  ${EndIf}
  ${If} $R1 = 1
  ${AndIfNot} ${FileExists} "$R2"
    StrCpy $OnDesktop 0
  ${EndIf}
  ${Property} "DESKTOP" $OnDesktop ""
  ; Or `/D=`, which NSIS has put there.
  ${Property} "DIR" $INSTDIR ""
  Call ChooseFolder
  Call RefuseToGoBack
FunctionEnd

; An address, and nothing that could be read as more than one value.
Function CheckPortal
  StrCpy $R1 $Portal 8
  StrCpy $R2 $Portal 17
  ; The loopback is for trying it out.
  ${If} $R1 != "https://"
  ${AndIf} $R2 != "http://127.0.0.1:"
    ${End} ${EXIT_BAD_PROPERTY} "$(BadPortal)"
  ${EndIf}
  StrCpy $R1 0
  ${Do}
    StrCpy $R2 $Portal 1 $R1
    ${If} $R2 == '"'
    ${OrIf} $R2 == "\"
    ${OrIf} $R2 == " "
      ${End} ${EXIT_BAD_PROPERTY} "$(BadPortal)"
    ${EndIf}
    IntOp $R1 $R1 + 1
  ${LoopUntil} $R2 == ""
FunctionEnd

; Where it was before, else the usual place, unless somebody said where.
Function ChooseFolder
  !insertmacro CONTEXT
  ${If} $INSTDIR == ""
    ReadRegStr $INSTDIR SHCTX "${SETTINGS_KEY}" "Folder"
  ${EndIf}
  ${If} $INSTDIR == ""
    ${If} $ForAll = 1
      StrCpy $INSTDIR "$PROGRAMFILES64\${FOLDER}"
    ${Else}
      StrCpy $INSTDIR "$LOCALAPPDATA\Programs\${FOLDER}"
    ${EndIf}
  ${EndIf}
FunctionEnd

Function RefuseToGoBack
  !insertmacro CONTEXT
  ReadRegStr $InstalledVersion SHCTX "${UNINSTALL_KEY}" "DisplayVersion"
  ${If} $InstalledVersion != ""
    ${VersionCompare} "$InstalledVersion" "${VERSION}" $R1
    ${If} $R1 = 1
      ${End} ${EXIT_NEWER} "$(Newer)"
    ${EndIf}
  ${EndIf}
FunctionEnd

Function WhoPage
  !insertmacro MUI_HEADER_TEXT "$(WhoTitle)" "$(WhoText)"
  nsDialogs::Create 1018
  Pop $R0
  ${NSD_CreateRadioButton} 0 0 100% 14u "$(WhoMe)"
  Pop $R1
  ${NSD_CreateRadioButton} 0 16u 100% 14u "$(WhoAll)"
  Pop $AllBox
  ${If} $SuggestForAll = 1
    ${NSD_Check} $AllBox
  ${Else}
    ${NSD_Check} $R1
  ${EndIf}
  ${NSD_CreateCheckBox} 0 44u 100% 14u "$(ChoiceDesktop)"
  Pop $DesktopBox
  ${NSD_SetState} $DesktopBox $OnDesktop
  ${NSD_CreateCheckBox} 0 60u 100% 14u "$(ChoiceAutostart)"
  Pop $AutostartBox
  ${NSD_SetState} $AutostartBox $AtLogin
  nsDialogs::Show
FunctionEnd

Function WhoLeave
  ${NSD_GetState} $DesktopBox $OnDesktop
  ${NSD_GetState} $AutostartBox $AtLogin
  ${NSD_GetState} $AllBox $R0
  ${If} $R0 = 1
  ${AndIf} $ForAll = 0
    UserInfo::GetAccountType
    Pop $R1
    ${If} $R1 != "admin"
      ; The system asks for an administrator, whose installer goes on from there: it is its turn.
      System::Call 'kernel32::CloseHandle(p $Turn)'
      ClearErrors
      System::Call 'kernel32::GetModuleFileNameW(p 0, w .R2, i 1024)'
      StrCpy $R3 "/ALLUSERS /DESKTOP=$OnDesktop /AUTOSTART=$AtLogin /WEBVIEW2=$WebViewWanted"
      ${If} $LANGUAGE = ${LANG_ENGLISH}
        StrCpy $R3 "$R3 /LANG=en"
      ${Else}
        StrCpy $R3 "$R3 /LANG=zh"
      ${EndIf}
      ${If} $Portal != ""
        StrCpy $R3 '$R3 "/PORTAL=$Portal"'
      ${EndIf}
      ExecShell "runas" "$R2" "$R3"
      ${If} ${Errors}
        !insertmacro ONE_AT_A_TIME
        MessageBox MB_OK|MB_ICONEXCLAMATION "$(NoRights)"
        Abort
      ${EndIf}
      Quit
    ${EndIf}
  ${EndIf}
  ${If} $R0 <> $ForAll
    StrCpy $ForAll $R0
    StrCpy $INSTDIR ""
    Call ChooseFolder
    Call RefuseToGoBack
  ${EndIf}
FunctionEnd

; A folder that holds something else gets one of ours inside: what is chosen is often a whole drive.
Function FolderLeave
  ${DirState} "$INSTDIR" $R0
  ${If} $R0 = 1
  ${AndIfNot} ${FileExists} "$INSTDIR\${APP}"
    ; Where the page has it: from there it is read once more.
    ${NSD_SetText} $mui.DirectoryPage.Directory "$INSTDIR\${FOLDER}"
  ${EndIf}
FunctionEnd

; Without the runtime of its window there is nothing to open.
Function FinishShow
  Call FindWebView
  ${If} $R0 == ""
    SendMessage $mui.FinishPage.Run ${BM_SETCHECK} ${BST_UNCHECKED} 0
    ShowWindow $mui.FinishPage.Run ${SW_HIDE}
  ${EndIf}
FunctionEnd

Function OpenIt
  ${If} $ForAll = 1
    ; By the desktop: as whoever sits here, and not as the administrator who was asked for.
    Exec '"$WINDIR\explorer.exe" "$INSTDIR\${APP}"'
  ${Else}
    Exec '"$INSTDIR\${APP}"'
  ${EndIf}
FunctionEnd

; What is shown above the bar while a section works. Plugins and macros say things of their own, which nobody needs.
!macro SAYS TEXT
  SetDetailsPrint textonly
  DetailPrint "${TEXT}"
  SetDetailsPrint none
!macroend
!define Says "!insertmacro SAYS"

Section "-files"
  !insertmacro CONTEXT
  ${Says} "$(SaysFiles)"
  ; 'KB' of the drive where the folder will be.
  ${GetRoot} "$INSTDIR" $R0
  ${DriveSpace} "$R0\" "/D=F /S=K" $R1
  ${If} $R1 != ""
  ${AndIf} $R1 < ${NEEDED_KB}
    ${End} ${EXIT_DISK_FULL} "$(DiskFull)"
  ${EndIf}
  ClearErrors
  CreateDirectory "$INSTDIR"
  FileOpen $R2 "$INSTDIR\.write" w
  ${If} ${Errors}
    ${End} ${EXIT_NOT_WRITABLE} "$(NotWritable)"
  ${EndIf}
  FileClose $R2
  Delete "$INSTDIR\.write"
  Call WaitForTheAssistant

  ; From another folder before: what lies there goes, settings and unfinished work stay.
  ReadRegStr $R0 SHCTX "${SETTINGS_KEY}" "Folder"
  ${If} $R0 != ""
  ${AndIf} $R0 != $INSTDIR
  ${AndIf} ${FileExists} "$R0\uninstall.exe"
    old:
    ExecWait '"$R0\uninstall.exe" /S /KEEPDATA=1 /BY=setup _?=$R0' $R9
    ${If} $R9 = ${EXIT_BUSY}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(Running)" /SD IDCANCEL IDRETRY old
      RMDir "$INSTDIR"
      SetErrorLevel ${EXIT_BUSY}
      Quit
    ${EndIf}
    Delete "$R0\uninstall.exe"
    RMDir "$R0"
  ${EndIf}

  ; Before the files: whoever finds this half done knows from where, and the next run repairs.
  WriteRegStr SHCTX "${SETTINGS_KEY}" "Folder" "$INSTDIR"
  WriteRegDWORD SHCTX "${SETTINGS_KEY}" "Whole" 0
  SetOverwrite try
  SetOutPath "$INSTDIR"
  ClearErrors
  !include "${STAGE}\files.nsh"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  ${If} ${Errors}
    ${End} ${EXIT_NOT_WRITABLE} "$(NotWhole)"
  ${EndIf}
  SetOverwrite on
SectionEnd

Section "-places"
  ${If} $Portal != ""
    ; As it comes with the program: what somebody has set on this machine goes first.
    CreateDirectory "$INSTDIR\provision"
    FileOpen $R2 "$INSTDIR\provision\config.toml" w
    FileWrite $R2 'portal = "$Portal"$\n'
    FileClose $R2
  ${EndIf}
  !ifndef BROUGHT_SETTINGS
    ; The program speaks as the installer did, until somebody has chosen.
    Delete "$INSTDIR\provision\settings.json"
    ${If} $LANGUAGE = ${LANG_ENGLISH}
      CreateDirectory "$INSTDIR\provision"
      FileOpen $R2 "$INSTDIR\provision\settings.json" w
      FileWrite $R2 '{ "language": "en" }$\n'
      FileClose $R2
    ${EndIf}
  !endif
  ; Those of before may have names in another language.
  ReadRegStr $R0 SHCTX "${SETTINGS_KEY}" "StartMenu"
  ${If} $R0 != ""
    Delete "$R0"
  ${EndIf}
  ReadRegStr $R0 SHCTX "${SETTINGS_KEY}" "Desktop"
  ${If} $R0 != ""
    Delete "$R0"
    DeleteRegValue SHCTX "${SETTINGS_KEY}" "Desktop"
  ${EndIf}
  CreateDirectory "$SMPROGRAMS"
  CreateShortCut "$SMPROGRAMS\$(Title).lnk" "$INSTDIR\${APP}"
  WriteRegStr SHCTX "${SETTINGS_KEY}" "StartMenu" "$SMPROGRAMS\$(Title).lnk"
  ${If} $OnDesktop = 1
    CreateShortCut "$DESKTOP\$(Title).lnk" "$INSTDIR\${APP}"
    WriteRegStr SHCTX "${SETTINGS_KEY}" "Desktop" "$DESKTOP\$(Title).lnk"
  ${EndIf}
  ${If} $AtLogin = 1
    WriteRegStr SHCTX "${RUN_KEY}" "${RUN_NAME}" '"$INSTDIR\${APP}" --hidden'
  ${Else}
    DeleteRegValue SHCTX "${RUN_KEY}" "${RUN_NAME}"
  ${EndIf}
  WriteRegStr SHCTX "Software\Classes\ycd" "" "$(SchemeName)"
  WriteRegStr SHCTX "Software\Classes\ycd" "URL Protocol" ""
  WriteRegStr SHCTX "Software\Classes\ycd\DefaultIcon" "" "$INSTDIR\${APP},0"
  WriteRegStr SHCTX "Software\Classes\ycd\shell\open\command" "" '"$INSTDIR\${APP}" "%1"'
  ; By this name notifications know whose they are.
  WriteRegStr SHCTX "Software\Classes\AppUserModelId\${ID}" "DisplayName" "$(Title)"
  WriteRegStr SHCTX "Software\Classes\AppUserModelId\${ID}" "IconUri" "$INSTDIR\icon.ico"

  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "$(Title)"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${PUBLISHER}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${APP},0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $R0 $R1 $R2
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" $R0
  WriteRegDWORD SHCTX "${SETTINGS_KEY}" "Whole" 1
SectionEnd

; A key that is plugged in and whose driver is missing: its make, and where the driver is to be had.
Section "-drivers"
  ${Says} "$(SaysDrivers)"
  InitPluginsDir
  StrCpy $R1 "zh"
  ${If} $LANGUAGE = ${LANG_ENGLISH}
    StrCpy $R1 "en"
  ${EndIf}
  nsExec::Exec /TIMEOUT=30000 '"$INSTDIR\ycd.exe" driver missing --lang $R1 --utf16 "$PLUGINSDIR\missing.txt"'
  Pop $R0
  StrCpy $DriversMissing ""
  ClearErrors
  FileOpen $R2 "$PLUGINSDIR\missing.txt" r
  ${IfNot} ${Errors}
    ${Do}
      FileReadUTF16LE $R2 $R3
      ${If} ${Errors}
        ${ExitDo}
      ${EndIf}
      StrCpy $DriversMissing "$DriversMissing$R3"
    ${Loop}
    FileClose $R2
  ${EndIf}
  ClearErrors
  DeleteRegValue SHCTX "${SETTINGS_KEY}" "DriversMissing"
  ${If} $DriversMissing != ""
    WriteRegStr SHCTX "${SETTINGS_KEY}" "DriversMissing" $DriversMissing
  ${EndIf}
SectionEnd

Section "-webview"
  Call FindWebView
  ${If} $R0 == ""
  ${AndIf} $WebViewWanted = 1
    ${Says} "$(SaysWebView)"
    InitPluginsDir
    !ifdef BOOTSTRAPPER
      File "/oname=$PLUGINSDIR\webview2.exe" "${BOOTSTRAPPER}"
    !else
      ; Only what Microsoft has signed is run.
      nsExec::Exec /TIMEOUT=120000 `powershell -NoProfile -NonInteractive -Command "$$p='$PLUGINSDIR\webview2.exe'; Invoke-WebRequest -UseBasicParsing '${WEBVIEW2_FROM}' -OutFile $$p; $$s=Get-AuthenticodeSignature $$p; if ($$s.Status -ne 'Valid' -or $$s.SignerCertificate.Subject -notmatch 'O=Microsoft Corporation') { Remove-Item $$p; exit 1 }"`
      Pop $R1
    !endif
    ${If} ${FileExists} "$PLUGINSDIR\webview2.exe"
      nsExec::Exec '"$PLUGINSDIR\webview2.exe" /silent /install'
      Pop $R1
    ${EndIf}
    Call FindWebView
    ${If} $R0 == ""
      MessageBox MB_OK|MB_ICONEXCLAMATION "$(NoWebView)" /SD IDOK
      StrCpy $WindowMissing "$(NoWebViewYet)$\r$\n$\r$\n"
      SetErrorLevel ${EXIT_NO_WEBVIEW}
    ${EndIf}
  ${EndIf}
SectionEnd

; $R0: the runtime's version, or empty.
Function FindWebView
  SetRegView 64
  ReadRegStr $R0 HKLM "SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients\${WEBVIEW2}" "pv"
  ${If} $R0 == ""
  ${OrIf} $R0 == "0.0.0.0"
    ReadRegStr $R0 HKCU "Software\Microsoft\EdgeUpdate\Clients\${WEBVIEW2}" "pv"
  ${EndIf}
  ${If} $R0 == "0.0.0.0"
    StrCpy $R0 ""
  ${EndIf}
FunctionEnd

; ---------------------------------------------------------------------------------------------------------------------

Function un.onInit
  SetRegView 64
  StrCpy $KeepData 1
  StrCpy $ForAll 0
  ${Property} "KEEPDATA" $KeepData "un."
  ReadRegStr $R1 HKCU "${SETTINGS_KEY}" "Folder"
  ${If} $R1 != $INSTDIR
    StrCpy $ForAll 1
    UserInfo::GetAccountType
    Pop $R1
    ${If} $R1 != "admin"
      ${IfNot} ${Silent}
        ; The system asks for an administrator, whose uninstaller goes on from there.
        ClearErrors
        ExecShell "runas" "$INSTDIR\uninstall.exe"
        ${IfNot} ${Errors}
          Quit
        ${EndIf}
      ${EndIf}
      ${End} ${EXIT_NO_RIGHTS} "$(NoRightsToRemove)"
    ${EndIf}
  ${EndIf}
  ; An installer that clears away what lies elsewhere is the one already.
  StrCpy $R1 ""
  ${Property} "BY" $R1 "un."
  ${If} $R1 != "setup"
    !insertmacro ONE_AT_A_TIME
  ${EndIf}
  !insertmacro CONTEXT
FunctionEnd

Function un.KeepPage
  !insertmacro MUI_HEADER_TEXT "$(UnKeepTitle)" ""
  nsDialogs::Create 1018
  Pop $R0
  ${NSD_CreateCheckBox} 0 0 100% 14u "$(UnKeep)"
  Pop $KeepBox
  ${NSD_SetState} $KeepBox $KeepData
  ${NSD_CreateLabel} 0 20u 100% 40u "$(UnKeepText)"
  Pop $R0
  nsDialogs::Show
FunctionEnd

Function un.KeepLeave
  ${NSD_GetState} $KeepBox $KeepData
FunctionEnd

Section "Uninstall"
  !insertmacro CONTEXT
  ${Says} "$(SaysRemoving)"
  Call un.WaitForTheAssistant
  ; What the installer made, under the names it had then.
  ReadRegStr $R0 SHCTX "${SETTINGS_KEY}" "StartMenu"
  ${If} $R0 != ""
    Delete "$R0"
  ${EndIf}
  ReadRegStr $R0 SHCTX "${SETTINGS_KEY}" "Desktop"
  ${If} $R0 != ""
    Delete "$R0"
  ${EndIf}
  DeleteRegValue SHCTX "${RUN_KEY}" "${RUN_NAME}"
  ; The window's own setting is the user's, whoever it was installed for.
  DeleteRegValue HKCU "${RUN_KEY}" "${RUN_NAME}"
  DeleteRegKey SHCTX "Software\Classes\ycd"
  DeleteRegKey SHCTX "Software\Classes\AppUserModelId\${ID}"
  !include "${STAGE}\unfiles.nsh"
  Delete "$INSTDIR\provision\config.toml"
  Delete "$INSTDIR\provision\settings.json"
  RMDir "$INSTDIR\provision"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  ${If} $KeepData = 0
    SetShellVarContext current
    RMDir /r "$LOCALAPPDATA\ycd"
    RMDir /r "$LOCALAPPDATA\${ID}"
    RMDir /r "$APPDATA\${ID}"
    !insertmacro CONTEXT
  ${EndIf}
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  DeleteRegKey SHCTX "${SETTINGS_KEY}"
  DeleteRegKey /ifempty SHCTX "Software\Yuncaidun"
  ${Says} "$(SaysRemoved)"
SectionEnd
