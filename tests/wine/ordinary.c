/* ordinary.exe PROGRAM ARGUMENTS…: runs it as somebody who is no administrator, and ends as it ends.
   The trial's own user is one, as Wine has it. */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static int refused(const wchar_t *what)
{
    fwprintf(stderr, L"%ls: error %lu\n", what, GetLastError());
    return 99;
}

/* Behind this program's own name. */
static wchar_t *rest(wchar_t *line)
{
    wchar_t end = *line == L'"' ? L'"' : L' ';
    wchar_t *at = wcschr(line + 1, end);
    if (at == NULL)
        return line + wcslen(line);
    return at + 1 + wcsspn(at + 1, L" ");
}

int main(void)
{
    BYTE administrators[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof administrators, code = 99;
    SID_AND_ATTRIBUTES disabled = { administrators, 0 };
    HANDLE own, ordinary;
    STARTUPINFOW start = { .cb = sizeof start };
    PROCESS_INFORMATION process;

    if (!CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, administrators, &size))
        return refused(L"CreateWellKnownSid");
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own))
        return refused(L"OpenProcessToken");
    if (!CreateRestrictedToken(own, 0, 1, &disabled, 0, NULL, 0, NULL, &ordinary))
        return refused(L"CreateRestrictedToken");
    if (!CreateProcessAsUserW(ordinary, NULL, rest(GetCommandLineW()), NULL, NULL, FALSE, 0, NULL, NULL, &start,
                              &process))
        return refused(L"CreateProcessAsUserW");
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
