/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shared object that is no component.
 */
int nothing_at_all(void);

int
nothing_at_all(void)
{
	return 0;
}
