/* SPDX-License-Identifier: MIT */
/* Included ahead of lib/base/string.c on the host: its functions get names beside libc's, so that both can be compared. */
#define memcpy base_memcpy
#define memmove base_memmove
#define memset base_memset
#define memcmp base_memcmp
#define strlen base_strlen
#define strnlen base_strnlen
#define strcmp base_strcmp
#define strncmp base_strncmp
#define strchr base_strchr
#define strrchr base_strrchr
