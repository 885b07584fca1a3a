/* SPDX-License-Identifier: MIT */
/* Files on the volume that the loader itself came from. Does not know what is in them. */
#include <base/string.h>
#include "loader.h"

#define PATH_MAX 512
#define READ_MAX (8ul << 20)

static EFI_FILE_HANDLE volume;
static CHAR16 folder[PATH_MAX]; /* the loader's own, without a backslash at its end */
static CHAR16 found[PATH_MAX];  /* the one whose \aril held the last file; same form */
static int found_any;
static const void *load_options;
static uint32_t load_options_size;

/* Joins the file path nodes of the loaded image's device path: a boot manager may hand over several. */
static void folder_of(EFI_DEVICE_PATH *node)
{
	size_t n = 0, cut = 0;

	for (int i = 0; node && i < 64 && DevicePathType(node) != END_DEVICE_PATH_TYPE; i++, node = NextDevicePathNode(node)) {
		const uint8_t *text = (const uint8_t *)(node + 1);
		size_t size = DevicePathNodeLength(node);

		if (size < sizeof(*node))
			break;
		if (DevicePathType(node) != MEDIA_DEVICE_PATH || DevicePathSubType(node) != MEDIA_FILEPATH_DP)
			continue;
		if (n && folder[n - 1] != '\\' && n + 1 < PATH_MAX)
			folder[n++] = '\\';
		for (size_t j = 0; j + 1 < size - sizeof(*node) && n + 1 < PATH_MAX; j += 2) {
			CHAR16 c = text[j] | text[j + 1] << 8;
			if (!c)
				break;
			folder[n++] = c;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (folder[i] == '\\')
			cut = i;
	folder[cut] = 0;
}

void file_open_volume(void)
{
	static EFI_GUID image_guid = LOADED_IMAGE_PROTOCOL, volume_guid = SIMPLE_FILE_SYSTEM_PROTOCOL;
	EFI_LOADED_IMAGE *image;
	EFI_FILE_IO_INTERFACE *fs;
	EFI_STATUS status;

	status = firmware_boot->HandleProtocol(firmware_image, &image_guid, (void **)&image);
	if (EFI_ERROR(status))
		stop(status, "LoadedImage protocol: the firmware does not say where it loaded us from; start BOOTX64.EFI from a file system");
	folder_of(image->FilePath);
	load_options = image->LoadOptions;
	load_options_size = load_options ? image->LoadOptionsSize : 0;
	status = firmware_boot->HandleProtocol(image->DeviceHandle, &volume_guid, (void **)&fs);
	if (EFI_ERROR(status))
		stop(status, "SimpleFileSystem protocol: not on the device that we came from; start BOOTX64.EFI from a FAT volume, or over the network by iPXE (README), with \\aril\\root.img");
	status = fs->OpenVolume(fs, &volume);
	if (EFI_ERROR(status))
		stop(status, "OpenVolume: the boot volume cannot be opened; check the medium");
}

const void *file_load_options(uint32_t *size)
{
	*size = load_options_size;
	return load_options;
}

#define FULL_MAX (PATH_MAX + 64)

/* full = base[0..length) + \aril\ + name; its length. */
static size_t path_join(CHAR16 full[FULL_MAX], const CHAR16 *base, size_t length, const CHAR16 *name)
{
	static const CHAR16 middle[] = L"\\aril\\";
	size_t n = length;

	memcpy(full, base, length * sizeof(CHAR16));
	for (size_t i = 0; middle[i]; i++)
		full[n++] = middle[i];
	for (size_t i = 0; name[i] && i < 32; i++)
		full[n++] = name[i];
	full[n] = 0;
	return n;
}

/* Opens \aril\NAME in the loader's folder or the nearest one above it. path gets what was opened, for messages. */
static EFI_STATUS file_open(const CHAR16 *name, EFI_FILE_HANDLE *file, char path[PATH_MAX])
{
	CHAR16 full[FULL_MAX], base[PATH_MAX];
	size_t length = 0;
	EFI_STATUS status;

	for (; folder[length]; length++)
		base[length] = folder[length];
	for (;;) {
		size_t n = path_join(full, base, length, name);

		for (size_t i = 0; i <= n && i < PATH_MAX; i++)
			path[i] = (char)full[i];
		path[PATH_MAX - 1] = 0;
		status = volume->Open(volume, file, full, EFI_FILE_MODE_READ, 0);
		if (!EFI_ERROR(status)) {
			memcpy(found, base, length * sizeof(CHAR16));
			found[length] = 0;
			found_any = 1;
		}
		if (status != EFI_NOT_FOUND || !length)
			return status;
		while (length && base[--length] != '\\')
			;
	}
}

EFI_STATUS file_read(const CHAR16 *name, enum boot_range_type type, uint64_t max, uint64_t *phys, uint64_t *size)
{
	static EFI_GUID info_guid = EFI_FILE_INFO_ID;
	_Alignas(8) uint8_t buffer[sizeof(EFI_FILE_INFO) + PATH_MAX];
	const EFI_FILE_INFO *info = (const EFI_FILE_INFO *)buffer;
	EFI_FILE_HANDLE file;
	char path[PATH_MAX];
	UINTN length = sizeof(buffer);
	EFI_STATUS status = file_open(name, &file, path);
	uint64_t at, total, done = 0;

	if (status == EFI_NOT_FOUND)
		return status;
	if (EFI_ERROR(status))
		stop(status, "%s: cannot be opened; check the medium", path);
	status = file->GetInfo(file, &info_guid, &length, buffer);
	if (EFI_ERROR(status))
		stop(status, "%s: its size cannot be read; check the medium", path);
	if (info->Attribute & EFI_FILE_DIRECTORY)
		stop(0, "%s: is a folder; a file is wanted", path);
	total = info->FileSize;
	if (total > max)
		stop(0, "%s: %lu bytes, the limit is %lu; make it smaller", path, (unsigned long)total, (unsigned long)max);
	at = memory_pages(PAGES(total + 1), type, path);
	while (done < total) {
		UINTN n = total - done < READ_MAX ? total - done : READ_MAX;

		status = file->Read(file, &n, (void *)(at + done));
		if (EFI_ERROR(status))
			stop(status, "%s: cannot be read at byte %lu; check the medium", path, (unsigned long)done);
		if (!n)
			stop(0, "%s: ends at byte %lu of %lu; copy it again", path, (unsigned long)done, (unsigned long)total);
		done += n;
	}
	(void)file->Close(file); /* cannot fail by the UEFI specification */
	log_line("%s: %lu bytes", path, (unsigned long)total);
	*phys = at;
	*size = total;
	return EFI_SUCCESS;
}

EFI_STATUS file_write(const CHAR16 *name, const void *data, uint64_t size)
{
	CHAR16 full[FULL_MAX];
	EFI_FILE_HANDLE file;
	EFI_STATUS status, closed;
	UINTN n = size, length = 0;

	if (!found_any)
		return EFI_NOT_FOUND;
	while (found[length])
		length++;
	(void)path_join(full, found, length, name);
	/* An older, longer file would keep its end. */
	status = volume->Open(volume, &file, full, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0);
	if (!EFI_ERROR(status))
		(void)file->Delete(file); /* when it cannot be, the next call fails too */
	status = volume->Open(volume, &file, full, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE, 0);
	if (EFI_ERROR(status))
		return status;
	status = file->Write(file, &n, (void *)data);
	closed = file->Close(file); /* writes back what the firmware holds */
	return EFI_ERROR(status) ? status : n != size ? EFI_ABORTED : closed;
}
