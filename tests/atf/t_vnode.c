/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <rump/rump_vfs.h>: files without descriptors, file systems and mounts.
 */
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <fcntl.h>

#include <rump/rump_mount.h>

#include "../lib/tc.h"

/* The file at a path, which must be there. */
static struct vnode *
file(const char *path)
{
	struct vnode *vp = NULL;

	T_EQ(0, rump_pub_namei(RUMP_NAMEI_LOOKUP, RUMP_NAMEI_FOLLOW, path, NULL,
		    &vp, NULL));
	T_ASSERT(vp != NULL);
	return vp;
}

static struct componentname *
name(const char *text)
{
	struct componentname *cnp = rump_pub_makecn(
	    RUMP_NAMEI_LOOKUP, 0, text, strlen(text), NULL, NULL);

	T_ASSERT(cnp != NULL);
	return cnp;
}

/* Make what vap says as `text' in a directory. */
static int
make(const char *dir, const char *text, enum rump_vtype type, mode_t mode,
    dev_t rdev)
{
	struct vnode *dvp = file(dir), *vp = NULL;
	struct componentname *cnp = name(text);
	struct vattr *va = rump_pub_vattr_init();
	int error;

	T_ASSERT(va != NULL);
	rump_pub_vattr_settype(va, type);
	rump_pub_vattr_setmode(va, mode);
	rump_pub_vattr_setrdev(va, rdev);
	error = rump_pub_vop_create(dvp, &vp, cnp, va);
	if (error == 0)
		rump_pub_vp_rele(vp);
	rump_pub_vattr_free(va);
	rump_pub_freecn(cnp, 0);
	rump_pub_vp_rele(dvp);
	return error;
}

TC(namei_gives_file_directory_and_name, "All three, or none.")
{
	struct vnode *dvp = NULL, *vp = NULL, *again = NULL;
	struct componentname *cnp = NULL;

	boot();
	T_OK(rump_sys_mkdir("/d", 0755));
	T_OK(rump_sys_symlink("/d/nothing", "/d/link"));
	T_EQ(0,
	    rump_pub_namei(RUMP_NAMEI_DELETE, 0, "/d/link", &dvp, &vp, &cnp));
	T_EQ(0, rump_pub_vop_lookup(dvp, &again, cnp));
	T_EQ(0, rump_pub_vop_remove(dvp, cnp));
	rump_pub_freecn(cnp, 0);
	rump_pub_vp_rele(again);
	rump_pub_vp_rele(vp);
	vp = dvp;
	T_EQ(ENOENT, rump_pub_namei(
			 RUMP_NAMEI_LOOKUP, 0, "/d/link", NULL, &again, NULL));
	T_EQ(
	    0, rump_pub_namei(RUMP_NAMEI_CREATE, 0, "/d/new", NULL, &vp, NULL));
	T_ASSERT(vp == NULL);
	rump_pub_vp_rele(dvp);
	T_EQ(ENOENT,
	    rump_pub_namei(RUMP_NAMEI_CREATE, 0, "/none/new", NULL, &vp, NULL));
	T_EQ(EINVAL,
	    rump_pub_namei(RUMP_NAMEI_LOOKUP, 0, "/d/..", &dvp, &vp, NULL));
	T_EQ(EINVAL, rump_pub_namei(4, 0, "/d", NULL, &vp, NULL));
	T_EQ(EINVAL, rump_pub_namei(0, 0x80, "/d", NULL, &vp, NULL));
	T_EQ(0, make("/d", "f", RUMP_VREG, 0600, 0));
	T_EQ(ENOTDIR,
	    rump_pub_namei(RUMP_NAMEI_LOOKUP, 0, "/d/f/", NULL, &vp, NULL));
}

TC(vnodes_say_what_they_are, "Type, size and device number.")
{
	static const struct {
		const char *name;
		enum rump_vtype type;
	} kinds[] = {{"reg", RUMP_VREG}, {"dir", RUMP_VDIR}, {"chr", RUMP_VCHR},
	    {"blk", RUMP_VBLK}, {"fifo", RUMP_VFIFO}, {"sock", RUMP_VSOCK}};
	enum rump_vtype type;
	struct vnode *vp;
	char path[32];
	off_t size;
	dev_t rdev;

	boot();
	T_OK(rump_sys_mkdir("/k", 0755));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		T_EQ(0, make("/k", kinds[i].name, kinds[i].type, 0600,
			    makedev(7, 8)));
		snprintf(path, sizeof(path), "/k/%s", kinds[i].name);
		vp = file(path);
		T_EQ(0, rump_pub_getvninfo(vp, &type, &size, &rdev));
		T_EQ((int)kinds[i].type, (int)type);
		T_EQ(type == RUMP_VCHR || type == RUMP_VBLK ? makedev(7, 8) : 0,
		    rdev);
		rump_pub_vp_rele(vp);
	}
	T_EQ(EINVAL, make("/k", "x", RUMP_VNON, 0600, 0));
	T_EQ(EINVAL, make("/k", "x", RUMP_VLNK, 0600, 0));
	T_EQ(EEXIST, make("/k", "reg", RUMP_VREG, 0600, 0));
	T_EQ(ENOTDIR, make("/k/reg", "x", RUMP_VREG, 0600, 0));
}

TC(vnodes_outlast_their_names, "And are read and written until released.")
{
	char buf[16] = "what was written";
	struct vnode *vp;
	struct uio *uio;

	boot();
	T_EQ(0, make("/", "file", RUMP_VREG, 0600, 0));
	vp = file("/file");
	T_EQ(0, rump_pub_vp_getref(vp));
	rump_pub_vp_rele(vp);
	T_OK(rump_sys_unlink("/file"));
	uio = rump_pub_uio_setup(buf, sizeof(buf), 5, RUMPUIO_WRITE);
	T_EQ(EINVAL, rump_pub_vop_read(vp, uio, NULL));
	T_EQ(0, rump_pub_vop_write(vp, uio, NULL));
	T_EQ(21, rump_pub_uio_getoff(uio));
	T_EQ(0u, rump_pub_uio_free(uio));
	memset(buf, 'x', sizeof(buf));
	uio = rump_pub_uio_setup(buf, sizeof(buf), 10, RUMPUIO_READ);
	T_EQ(0, rump_pub_vop_read(vp, uio, NULL));
	T_EQ(5u, rump_pub_uio_free(uio));
	T_ASSERT(memcmp(buf, "was writtenxxxxx", 16) == 0);
	rump_pub_vp_rele(vp);
}

TC(credentials_are_checked, "That of the name, or of the transfer.")
{
	struct cred *cr;
	struct vnode *dvp, *vp;
	struct componentname *cnp;
	struct vattr *va;
	struct uio *uio;
	struct stat sb;
	char c = 'c';

	boot();
	cr = rump_pub_cred_create(1000, 1000, 0, NULL);
	T_OK(rump_sys_mkdir("/mine", 0755));
	T_OK(rump_sys_mkdir("/all", 0777));
	T_OK(rump_sys_chmod("/all", 0777));
	va = rump_pub_vattr_init();
	cnp = rump_pub_makecn(0, 0, "f", 1, cr, NULL);
	dvp = file("/mine");
	T_EQ(EACCES, rump_pub_vop_create(dvp, &vp, cnp, va));
	rump_pub_vp_rele(dvp);
	dvp = file("/all");
	T_EQ(0, rump_pub_vop_create(dvp, &vp, cnp, va));
	T_OK(rump_sys_stat("/all/f", &sb));
	T_EQ(1000u, sb.st_uid);
	T_OK(rump_sys_chmod("/all/f", 0400));
	uio = rump_pub_uio_setup(&c, 1, 0, RUMPUIO_WRITE);
	T_EQ(EACCES, rump_pub_vop_write(vp, uio, cr));
	T_EQ(0, rump_pub_vop_write(vp, uio, NULL));
	T_EQ(0u, rump_pub_uio_free(uio));
	rump_pub_vp_rele(vp);
	rump_pub_vp_rele(dvp);
	rump_pub_freecn(cnp, RUMPCN_FREECRED);
	rump_pub_vattr_free(va);
}

TC(names_that_cannot_be, "makecn refuses them.")
{
	char longname[257];

	boot();
	memset(longname, 'n', sizeof(longname));
	T_ASSERT(rump_pub_makecn(0, 0, "", 0, NULL, NULL) == NULL);
	T_ASSERT(rump_pub_makecn(0, 0, "a/b", 3, NULL, NULL) == NULL);
	T_ASSERT(rump_pub_makecn(0, 0, longname, 256, NULL, NULL) == NULL);
	rump_pub_freecn(rump_pub_makecn(0, 0, longname, 255, NULL, NULL), 0);
}

TC(symlinks_and_directories, "Made and removed.")
{
	struct vnode *root, *vp = NULL;
	struct componentname *cnp, *dot;
	char buf[16];

	boot();
	cnp = name("l");
	dot = name("..");
	root = file("/");
	T_EQ(ENOENT, rump_pub_vop_symlink(root, &vp, cnp, ""));
	T_EQ(0, rump_pub_vop_symlink(root, &vp, cnp, "target"));
	rump_pub_vp_rele(vp);
	T_EQ(6, rump_sys_readlink("/l", buf, sizeof(buf)));
	T_EQ(ENOTDIR, rump_pub_vop_rmdir(root, cnp));
	T_EQ(0, rump_pub_vop_remove(root, cnp));
	T_EQ(ENOENT, rump_pub_vop_remove(root, cnp));
	T_EQ(0, make("/", "l", RUMP_VDIR, 0755, 0));
	T_EQ(EISDIR, rump_pub_vop_remove(root, cnp));
	T_EQ(0, rump_pub_vop_rmdir(root, cnp));
	T_EQ(ENOTEMPTY, rump_pub_vop_rmdir(root, dot));
	T_EQ(0, rump_pub_vop_lookup(root, &vp, dot));
	rump_pub_vp_rele(vp);
	rump_pub_freecn(cnp, 0);
	rump_pub_freecn(dot, 0);
	rump_pub_vp_rele(root);
}

TC(mounts, "Found, asked, unmounted, and recognised when they are gone.")
{
	struct mount *mp, *root;
	struct vnode *vp;
	struct statvfs sb;

	boot();
	T_OK(rump_sys_mkdir("/m", 0755));
	T_OK(rump_sys_mount("tmpfs", "/m", MNT_NOEXEC, NULL, 0));
	T_EQ(0, rump_pub_vfs_getmp("/m", &mp));
	T_EQ(0, rump_pub_vfs_getmp("/", &root));
	T_ASSERT(mp != root);
	T_EQ(0, rump_pub_vfs_statvfs(mp, &sb));
	T_EQ((unsigned long)ST_NOEXEC, sb.f_flag);
	T_EQ(0, rump_pub_vfs_sync(mp, 1, NULL));
	rump_pub_vfs_syncwait();
	rump_pub_vfs_mount_print("/m", 1);
	T_EQ(0, rump_pub_vfs_root(mp, &vp, 0));
	T_EQ(EBUSY, rump_pub_vfs_unmount(mp, 0));
	rump_pub_vp_rele(vp);
	T_EQ(EINVAL, rump_pub_vfs_unmount(mp, 64));
	T_EQ(0, rump_pub_vfs_unmount(mp, 0));
	T_EQ(ESTALE, rump_pub_vfs_unmount(mp, 0));
	T_EQ(ESTALE, rump_pub_vfs_root(mp, &vp, 0));
	T_EQ(ESTALE, rump_pub_vfs_statvfs(mp, &sb));
	T_EQ(EBUSY, rump_pub_vfs_unmount(root, 0));
	T_EQ(EOPNOTSUPP, rump_pub_vfs_extattrctl(root, 0, NULL, 0, NULL));
}

TC(types, "The list of file systems.")
{
	struct vfsops *ops = NULL;
	bool tmpfs = false;

	boot();
	while ((ops = rump_pub_vfslist_iterate(ops)) != NULL)
		if (ops == rump_pub_vfs_getopsbyname("tmpfs")) {
			tmpfs = true;
			T_EQ(0, strcmp(rump_pub_vfs_getname(ops), "tmpfs"));
		}
	T_ASSERT(tmpfs);
	T_ASSERT(rump_pub_vfs_getopsbyname("none") == NULL);
}

TC(nothing_is_left, "References are all there is.")
{
	struct rump_memstat before, after;

	boot();
	T_OK(rump_sys_mkdir("/d", 0755));
	T_EQ(0, rump_pub_memstat(&before));
	for (int i = 0; i < 100; i++) {
		struct vnode *dvp, *vp;
		struct componentname *cnp;

		T_EQ(0, make("/d", "f", RUMP_VREG, 0600, 0));
		T_EQ(0, rump_pub_namei(
			    RUMP_NAMEI_DELETE, 0, "/d/f", &dvp, &vp, &cnp));
		T_EQ(0, rump_pub_vop_remove(dvp, cnp));
		rump_pub_freecn(cnp, 0);
		rump_pub_vp_rele(dvp);
		rump_pub_vp_rele(vp);
	}
	/* The directory keeps a table for what may come. */
	T_OK(rump_sys_rmdir("/d"));
	T_OK(rump_sys_mkdir("/d", 0755));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, namei_gives_file_directory_and_name);
	ATF_TP_ADD_TC(tp, vnodes_say_what_they_are);
	ATF_TP_ADD_TC(tp, vnodes_outlast_their_names);
	ATF_TP_ADD_TC(tp, credentials_are_checked);
	ATF_TP_ADD_TC(tp, names_that_cannot_be);
	ATF_TP_ADD_TC(tp, symlinks_and_directories);
	ATF_TP_ADD_TC(tp, mounts);
	ATF_TP_ADD_TC(tp, types);
	ATF_TP_ADD_TC(tp, nothing_is_left);
	return atf_no_error();
}
