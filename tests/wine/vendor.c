/* vendor.dll: a PKCS#11 module as some vendors make them. A thin one, which loads the real one by its bare name once it
   is asked for its functions (PKCS #11 v2.40, 5.4). */
#include <windows.h>

typedef unsigned long CK_RV;
typedef CK_RV (*get_function_list)(void **list);

#define CKR_GENERAL_ERROR 5UL

__declspec(dllexport) CK_RV C_GetFunctionList(void **list)
{
    HMODULE real = LoadLibraryW(L"vendor_core.dll");
    get_function_list get = real ? (get_function_list)(void *)GetProcAddress(real, "C_GetFunctionList") : NULL;
    return get ? get(list) : CKR_GENERAL_ERROR;
}
